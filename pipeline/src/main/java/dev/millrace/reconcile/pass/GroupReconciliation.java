package dev.millrace.reconcile.pass;

import dev.millrace.change.RowKey;
import dev.millrace.digest.Chunker.SourceSession;
import dev.millrace.digest.Chunker.TargetSession;
import dev.millrace.digest.ComparedTable;
import dev.millrace.digest.ReadFailed;
import dev.millrace.digest.SourceSnapshot;
import dev.millrace.digest.TableDigest;
import dev.millrace.digest.TableSnapshot.Chunk;
import dev.millrace.digest.TableSnapshot.RowSum;
import dev.millrace.digest.TargetSnapshot;
import dev.millrace.kafka.ChangeLog.LogUnreadable;
import dev.millrace.lifecycle.Incident;
import dev.millrace.reconcile.FencedRead;
import dev.millrace.reconcile.KeyChangeReader;
import dev.millrace.reconcile.KeyVerifier;
import dev.millrace.reconcile.ReconcileContext;
import dev.millrace.reconcile.ReplicationProgress.ReplicationUnavailable;
import dev.millrace.reconcile.SnapshotPrecondition;
import dev.millrace.reconcile.Suspect;
import dev.millrace.reconcile.TableReportBuilder;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Compares the digests of several tables in one fenced read, so that small tables share its cost:
/// two watermarks, and the wait for the second. The rows of keys that changed meanwhile are left
/// out of the digests, as in [ChunkComparison], and verified one by one. Tables that differ in
/// other rows are then compared one by one. A table that cannot be read is undecided; the others
/// continue. Not thread-safe; used once.
final class GroupReconciliation {

    private static final Logger LOG = LoggerFactory.getLogger(GroupReconciliation.class);

    /// Tables of one fenced read. Their rows are read within seconds, so that few changes are in
    /// flight.
    private static final int TABLES = 250;

    private static final long BYTES = 64L * 1024 * 1024;

    private final ReconcileContext with;
    private final InstantSource clock;
    private final List<Member> members;
    private final ReentrantLock rows;

    record Member(ComparedTable table, TableReportBuilder builder) {}

    /// What is to be done with a table whose digests differ.
    private sealed interface Differing {

        Member member();

        record InDigests(Member member, TableDigest source, TableDigest target)
                implements Differing {}

        /// All other rows are equal.
        record InTouchedKeys(Member member, List<Suspect> suspects) implements Differing {}
    }

    /// @param rows held by the thread that has rows of a table in memory
    GroupReconciliation(
            ReconcileContext with, InstantSource clock, List<Member> members, ReentrantLock rows) {
        this.with = with;
        this.clock = clock;
        this.members = List.copyOf(members);
        this.rows = rows;
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

    /// Compares, then rests so long that the session reads only in its share of the time.
    void run() {
        long began = System.nanoTime();
        compare();
        Duration read = Duration.ofNanos(System.nanoTime() - began);
        with.cancellation().pause(with.limits().budget().rest(read));
    }

    private void compare() {
        for (Differing each : compareDigests()) {
            attempt(
                    each.member(),
                    () -> {
                        rows.lock();
                        try {
                            compare(each);
                            return true;
                        } finally {
                            rows.unlock();
                        }
                    });
        }
    }

    private void compare(Differing differing) {
        switch (differing) {
            case Differing.InDigests(Member member, TableDigest source, TableDigest target) ->
                    new TableReconciliation(with, member.table(), member.builder())
                            .compare(source, target);
            case Differing.InTouchedKeys(Member member, List<Suspect> suspects) ->
                    new KeyVerifier(with, member.table(), member.builder()).verify(suspects);
        }
    }

    private List<Differing> compareDigests() {
        FencedRead<List<Differing>> read;
        try {
            read =
                    with.sourceReader()
                            .compare(
                                    this::digests,
                                    (source, fenced, _) -> differing(source, fenced));
        } catch (ReadFailed | LogUnreadable | ReplicationUnavailable e) {
            with.cancellation().check();
            String why = reason(e);
            members.forEach(member -> member.builder().failed(e, why));
            return List.of();
        }
        return switch (read) {
            case FencedRead.Failed<List<Differing>>(String why) -> {
                for (Member member : members) {
                    member.builder().undecided(0, why);
                    member.builder().passing();
                }
                yield List.of();
            }
            case FencedRead.Fenced<List<Differing>> fenced -> fenced.source();
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

    private List<Differing> differing(
            SourceSession source, FencedRead.Fenced<Map<Member, TableDigest>> fenced) {
        List<Differing> differing = new ArrayList<>();
        try (TargetSession target = with.chunker().openTarget()) {
            fenced.source()
                    .forEach(
                            (member, ofSource) ->
                                    attempt(
                                                    member,
                                                    () ->
                                                            differing(
                                                                    member,
                                                                    source.table(member.table()),
                                                                    ofSource,
                                                                    target.table(member.table()),
                                                                    fenced))
                                            .flatMap(found -> found)
                                            .ifPresent(differing::add));
        } catch (ReadFailed e) {
            with.cancellation().check();
            members.forEach(member -> member.builder().failed(e, String.valueOf(e.getMessage())));
            return List.of();
        }
        return differing;
    }

    /// @return empty when the table is equal or undecided
    private Optional<Differing> differing(
            Member member,
            SourceSnapshot source,
            TableDigest ofSource,
            TargetSnapshot target,
            FencedRead.Fenced<?> fenced) {
        TableDigest ofTarget = target.digest();
        Optional<String> violation = SnapshotPrecondition.violation(target, fenced);
        if (violation.isPresent()) {
            member.builder().rows(ofSource.total(), ofTarget.total());
            member.builder().undecided(0, violation.get());
            return Optional.empty();
        }
        if (ofSource.differing(ofTarget).isEmpty()) {
            member.builder().rows(ofSource.total(), ofSource.total());
            return Optional.empty();
        }
        Optional<Set<RowKey>> touched =
                new KeyChangeReader(with, member.table().mapping())
                        .touched(
                                fenced.ends(),
                                target,
                                target.stored(),
                                UnaryOperator.identity(),
                                with.limits().chunks().touched());
        // Without them, the differing buckets are read again.
        Chunk.Keys keys = Chunk.Keys.of(touched.orElse(Set.of()));
        TableDigest rest = ofSource.minus(source.digest(keys));
        return Optional.of(
                rest.differing(ofTarget.minus(target.digest(keys))).isEmpty()
                        ? inTouchedKeys(member, rest, source.sums(keys), target.sums(keys))
                        : new Differing.InDigests(member, ofSource, ofTarget));
    }

    private static Differing inTouchedKeys(
            Member member,
            TableDigest rest,
            Map<RowKey, RowSum> source,
            Map<RowKey, RowSum> target) {
        member.builder().rows(rest.total(), rest.total());
        Set<RowKey> keys = new LinkedHashSet<>(source.keySet());
        keys.addAll(target.keySet());
        List<Suspect> suspects = new ArrayList<>();
        for (RowKey key : keys) {
            Suspect found = Suspect.of(key, source, target);
            if (found.isEqual()) {
                member.builder().rows(found.source(), found.target());
                member.builder().inFlight(1);
            } else {
                suspects.add(found);
            }
        }
        return new Differing.InTouchedKeys(member, suspects);
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
            member.builder().failed(e, reason(e));
            return Optional.empty();
        } finally {
            member.builder().took(Duration.between(started, clock.instant()));
        }
    }
}
