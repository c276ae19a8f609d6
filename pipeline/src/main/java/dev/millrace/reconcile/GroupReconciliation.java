package dev.millrace.reconcile;

import dev.millrace.digest.Chunker.SourceSession;
import dev.millrace.digest.Chunker.TargetSession;
import dev.millrace.digest.ComparedTable;
import dev.millrace.digest.ReadFailed;
import dev.millrace.digest.TableDigest;
import dev.millrace.digest.TargetSnapshot;
import dev.millrace.kafka.ChangeLog.LogUnreadable;
import dev.millrace.lifecycle.Incident;
import dev.millrace.reconcile.ReplicationProgress.ReplicationUnavailable;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Compares the digests of several tables in one fenced read, so that small tables share its cost:
/// two watermarks, and the wait for the second. Tables that differ are then compared one by one. A
/// table that cannot be read is undecided; the others continue. Not thread-safe; used once.
final class GroupReconciliation {

    private static final Logger LOG = LoggerFactory.getLogger(GroupReconciliation.class);

    /// Tables of one fenced read. Their rows are read within seconds, so that few changes are in
    /// flight.
    private static final int TABLES = 250;

    private static final long BYTES = 64L * 1024 * 1024;

    private final ReconcileContext with;
    private final InstantSource clock;
    private final List<Member> members;

    record Member(ComparedTable table, TableReportBuilder builder) {}

    private record Differing(Member member, TableDigest source, TableDigest target) {}

    GroupReconciliation(ReconcileContext with, InstantSource clock, List<Member> members) {
        this.with = with;
        this.clock = clock;
        this.members = List.copyOf(members);
    }

    /// Keeps the order; a large table is a group by itself.
    static List<List<Member>> groups(List<Member> members) {
        List<List<Member>> groups = new ArrayList<>();
        List<Member> group = new ArrayList<>();
        long bytes = 0;
        for (Member member : members) {
            bytes += member.table().bytes();
            if (!group.isEmpty() && (bytes > BYTES || group.size() == TABLES)) {
                groups.add(List.copyOf(group));
                group.clear();
                bytes = member.table().bytes();
            }
            group.add(member);
        }
        if (!group.isEmpty()) {
            groups.add(List.copyOf(group));
        }
        return groups;
    }

    void run() {
        for (Differing each : compareDigests()) {
            attempt(
                    each.member(),
                    () -> {
                        new TableReconciliation(
                                        with, each.member().table(), each.member().builder())
                                .compare(each.source(), each.target());
                        return true;
                    });
        }
    }

    private List<Differing> compareDigests() {
        FencedRead<Map<Member, TableDigest>> read;
        try {
            read = with.sourceReader().read(this::digests);
        } catch (ReadFailed | LogUnreadable | ReplicationUnavailable e) {
            with.cancellation().check();
            read = new FencedRead.Failed<>(reason(e));
        }
        return switch (read) {
            case FencedRead.Failed<Map<Member, TableDigest>>(String why) -> {
                members.forEach(member -> member.builder().undecided(0, why));
                yield List.of();
            }
            case FencedRead.Fenced<Map<Member, TableDigest>> fenced -> differing(fenced);
        };
    }

    private Map<Member, TableDigest> digests(SourceSession source) {
        Map<Member, TableDigest> digests = new LinkedHashMap<>();
        for (Member member : members) {
            attempt(member, () -> source.table(member.table()).digest())
                    .ifPresent(digest -> digests.put(member, digest));
        }
        return digests;
    }

    private List<Differing> differing(FencedRead.Fenced<Map<Member, TableDigest>> fenced) {
        List<Differing> differing = new ArrayList<>();
        try (TargetSession target = with.chunker().openTarget()) {
            fenced.source()
                    .forEach(
                            (member, source) ->
                                    attempt(
                                                    member,
                                                    () ->
                                                            digest(
                                                                    target.table(member.table()),
                                                                    fenced,
                                                                    source,
                                                                    member.builder()))
                                            .flatMap(found -> found)
                                            .ifPresent(
                                                    digest ->
                                                            differing.add(
                                                                    new Differing(
                                                                            member, source,
                                                                            digest))));
        } catch (ReadFailed e) {
            with.cancellation().check();
            members.forEach(
                    member -> member.builder().undecided(0, String.valueOf(e.getMessage())));
            return List.of();
        }
        return differing;
    }

    /// @return the target's digest; empty when it equals the source's, or the table is undecided
    private static Optional<TableDigest> digest(
            TargetSnapshot target,
            FencedRead.Fenced<?> fenced,
            TableDigest source,
            TableReportBuilder builder) {
        TableDigest digest = target.digest();
        Optional<String> violation = SnapshotPrecondition.violation(target, fenced);
        if (violation.isPresent()) {
            builder.rows(source.total(), digest.total());
            builder.undecided(0, violation.get());
            return Optional.empty();
        }
        if (source.differing(digest).isEmpty()) {
            builder.rows(source.total(), source.total());
            return Optional.empty();
        }
        return Optional.of(digest);
    }

    private static String reason(RuntimeException failure) {
        return Incident.reason(LOG, "A table could not be compared.", failure);
    }

    /// @return empty when a side or the log could not be read; the table is undecided then
    private <T> Optional<T> attempt(Member member, Supplier<T> work) {
        with.cancellation().check();
        Instant started = clock.instant();
        try {
            return Optional.of(work.get());
        } catch (ReadFailed | LogUnreadable | ReplicationUnavailable e) {
            with.cancellation().check();
            member.builder().forgetRows();
            member.builder().undecided(0, reason(e));
            return Optional.empty();
        } finally {
            member.builder().took(Duration.between(started, clock.instant()));
        }
    }
}
