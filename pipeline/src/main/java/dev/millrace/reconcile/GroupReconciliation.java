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

/// Compares the digests of several tables in one look, so that small tables share what a look
/// costs: two watermarks and the wait for the second. What differs is then compared table by table.
/// A table that can't be read is undecided, and the others go on. One thread, used once.
final class GroupReconciliation {

    private static final Logger LOG = LoggerFactory.getLogger(GroupReconciliation.class);

    /// Tables of one look. Their rows are read within seconds, so that little is under way.
    private static final int TABLES = 250;

    private static final long BYTES = 64L * 1024 * 1024;

    private final ReconcileContext with;
    private final InstantSource clock;
    private final List<Member> members;

    record Member(ComparedTable table, TableReportBuilder tally) {}

    private record Differing(Member member, TableDigest source, TableDigest target) {}

    GroupReconciliation(ReconcileContext with, InstantSource clock, List<Member> members) {
        this.with = with;
        this.clock = clock;
        this.members = List.copyOf(members);
    }

    /// In the order given; a large table stands alone.
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
        for (Differing each : differing()) {
            attempt(
                    each.member(),
                    () -> {
                        new TableReconciliation(with, each.member().table(), each.member().tally())
                                .compare(each.source(), each.target());
                        return true;
                    });
        }
    }

    private List<Differing> differing() {
        FencedRead<Map<Member, TableDigest>> look;
        try {
            look = with.lookout().look(this::digests);
        } catch (ReadFailed | LogUnreadable | ReplicationUnavailable e) {
            with.cancellation().check();
            look = new FencedRead.NotSeen<>(reason(e));
        }
        return switch (look) {
            case FencedRead.NotSeen<Map<Member, TableDigest>>(String why) -> {
                members.forEach(member -> member.tally().undecided(0, why));
                yield List.of();
            }
            case FencedRead.Seen<Map<Member, TableDigest>> seen -> differing(seen);
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

    private List<Differing> differing(FencedRead.Seen<Map<Member, TableDigest>> seen) {
        List<Differing> differing = new ArrayList<>();
        try (TargetSession target = with.chunker().openTarget()) {
            seen.source()
                    .forEach(
                            (member, source) ->
                                    attempt(
                                                    member,
                                                    () ->
                                                            digest(
                                                                    target.table(member.table()),
                                                                    seen,
                                                                    source,
                                                                    member.tally()))
                                            .flatMap(found -> found)
                                            .ifPresent(
                                                    digest ->
                                                            differing.add(
                                                                    new Differing(
                                                                            member, source,
                                                                            digest))));
        } catch (ReadFailed e) {
            with.cancellation().check();
            members.forEach(member -> member.tally().undecided(0, String.valueOf(e.getMessage())));
            return List.of();
        }
        return differing;
    }

    /// The target's digest where it differs from the source's.
    private static Optional<TableDigest> digest(
            TargetSnapshot target,
            FencedRead.Seen<?> seen,
            TableDigest source,
            TableReportBuilder tally) {
        TableDigest digest = target.digest();
        Optional<String> obstacle = SnapshotPrecondition.in(target, seen);
        if (obstacle.isPresent()) {
            tally.rows(source.total(), digest.total());
            tally.undecided(0, obstacle.get());
            return Optional.empty();
        }
        if (source.differing(digest).isEmpty()) {
            tally.rows(source.total(), source.total());
            return Optional.empty();
        }
        return Optional.of(digest);
    }

    private static String reason(RuntimeException failure) {
        return Incident.reason(LOG, "a table could not be compared", failure);
    }

    /// Empty when a side or the log could not be read: the table is undecided then.
    private <T> Optional<T> attempt(Member member, Supplier<T> work) {
        with.cancellation().check();
        Instant started = clock.instant();
        try {
            return Optional.of(work.get());
        } catch (ReadFailed | LogUnreadable | ReplicationUnavailable e) {
            with.cancellation().check();
            member.tally().forgetRows();
            member.tally().undecided(0, reason(e));
            return Optional.empty();
        } finally {
            member.tally().took(Duration.between(started, clock.instant()));
        }
    }
}
