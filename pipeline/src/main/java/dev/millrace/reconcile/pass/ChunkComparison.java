package dev.millrace.reconcile.pass;

import dev.millrace.change.RowKey;
import dev.millrace.digest.Chunker.SourceSession;
import dev.millrace.digest.ComparedTable;
import dev.millrace.digest.KeyRange;
import dev.millrace.digest.RangeSnapshot;
import dev.millrace.digest.TableDigest;
import dev.millrace.digest.TableSnapshot.RowSum;
import dev.millrace.digest.TargetSnapshot;
import dev.millrace.reconcile.FencedRead;
import dev.millrace.reconcile.FencedRead.Between;
import dev.millrace.reconcile.KeyChangeReader;
import dev.millrace.reconcile.ReconcileContext;
import dev.millrace.reconcile.ReconcileContext.ReconcileLimits;
import dev.millrace.reconcile.SnapshotPrecondition;
import dev.millrace.reconcile.Suspect;
import java.time.Duration;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedSet;
import java.util.concurrent.locks.ReentrantLock;

/// Compares one chunk of a table, a range of keys, in one snapshot of each side. Thread-safe.
///
/// **Why an equal chunk is equal.** Both sums are of the same range of keys, and a key is in
/// exactly one range. The target's snapshot shows every change that the source's snapshot shows,
/// and perhaps later ones. If the sums are equal, the rows are equal in these two snapshots.
///
/// **Why writes do not matter.** If the sums differ, the log between the ends before the source's
/// read and the position in the target's snapshot tells which keys changed meanwhile. The rows of
/// these *touched keys* are read again in the same two snapshots and subtracted from both sums: a
/// sum can be undone. If the remaining sums are equal, all other rows are equal. A touched key is
/// equal if its rows are equal in these snapshots, else it is a suspect. So a chunk is read once,
/// however many of its rows change, and its touched keys are few, because the two snapshots are
/// near to each other.
///
/// **Why nothing is called different by mistake.** This class calls no key different. If the
/// remaining sums differ, the rows of both sides are read and those that differ are suspects:
/// `KeyVerifier` reads each suspect again and decides, with what it knows about changes in flight
/// and transactions that are not visible yet.
///
/// **What limits the cost.** Of a chunk that differs, both servers sum the rows once more, in
/// buckets of their keys, without the touched keys. Only the rows of the buckets that differ are
/// read one by one. If they do not fit into memory, the chunk is divided, and each part is compared
/// again: a row is read at most as often as the chunk can be divided, log2 of its rows. If more
/// buckets differ than keys can be verified, only some of them are read.
final class ChunkComparison {

    private static final int MOST_PARTS = 16;

    private final ReconcileContext with;
    private final ComparedTable table;
    private final ReentrantLock rows;
    private final ChunkPace pace;

    /// @param rows held by the thread that has the rows of a chunk in memory
    ChunkComparison(
            ReconcileContext with, ComparedTable table, ReentrantLock rows, ChunkPace pace) {
        this.with = with;
        this.table = table;
        this.rows = rows;
        this.pace = pace;
    }

    sealed interface Outcome {

        /// Every row but those of the suspects is equal.
        ///
        /// @param equal the sum of the equal rows
        /// @param touched keys that changed between the two snapshots and are equal
        record Compared(RowSum equal, int touched, List<Suspect> suspects, Between between)
                implements Outcome {
            public Compared {
                suspects = List.copyOf(suspects);
            }
        }

        /// More rows differ than can be verified.
        ///
        /// @param suspects some of them
        record TooMany(List<Suspect> suspects) implements Outcome {}

        /// @param rows of each part, about
        record Divided(List<KeyRange> parts, long rows) implements Outcome {
            public Divided {
                parts = List.copyOf(parts);
            }
        }

        /// The chunk could not be compared now.
        ///
        /// @param passing whether the reason passes by itself, such as a lost connection
        record Again(String why, boolean passing) implements Outcome {}

        /// @param passing whether the reason passes by itself
        record Undecided(String why, boolean passing) implements Outcome {}
    }

    /// @param expected rows of the range, about
    Outcome compare(KeyRange range, long expected) {
        long part = pace.part(expected);
        if (part < expected) {
            List<KeyRange> parts;
            try (TargetSnapshot target = with.chunker().openTarget(table)) {
                parts = range.split(target.within(range).bounds(part));
            }
            if (parts.size() > 1) {
                return new Outcome.Divided(parts, part);
            }
        }
        FencedRead<Outcome> read =
                with.sourceReader()
                        .compare(
                                source -> timed(source.table(table).within(range)),
                                (source, fenced, between) ->
                                        compare(range, source, fenced, between));
        return switch (read) {
            case FencedRead.Failed<Outcome>(String why) -> new Outcome.Undecided(why, true);
            case FencedRead.Fenced<Outcome> fenced -> fenced.source();
        };
    }

    private RowSum timed(RangeSnapshot side) {
        long began = System.nanoTime();
        RowSum sum = side.digest();
        pace.measured(sum.rows(), Duration.ofNanos(System.nanoTime() - began));
        return sum;
    }

    private Outcome compare(
            KeyRange range,
            SourceSession session,
            FencedRead.Fenced<RowSum> fenced,
            Between between) {
        try (TargetSnapshot target = with.chunker().openTarget(table)) {
            Optional<String> violation = SnapshotPrecondition.violation(target, fenced);
            if (violation.isPresent()) {
                return new Outcome.Undecided(violation.get(), false);
            }
            RangeSnapshot ofTarget = target.within(range);
            RowSum sum = timed(ofTarget);
            if (sum.equals(fenced.source())) {
                return new Outcome.Compared(sum, 0, List.of(), between);
            }
            Optional<Set<RowKey>> touched =
                    new KeyChangeReader(with, table.mapping())
                            .touched(
                                    fenced.ends(),
                                    target,
                                    target.stored(),
                                    ofTarget::keysWithin,
                                    with.limits().chunks().touched());
            return touched.isEmpty()
                    ? new Outcome.Again(
                            "more rows changed while a chunk was compared than can be left out of"
                                    + " it. Reconcile again while fewer rows are written",
                            false)
                    : new Snapshots(
                                    range,
                                    session.table(table).within(range),
                                    ofTarget,
                                    fenced.source(),
                                    sum,
                                    between)
                            .compare(touched.get());
        }
    }

    /// Both sides of the chunk.
    private final class Snapshots {

        private final KeyRange range;
        private final RangeSnapshot source;
        private final RangeSnapshot target;
        private final RowSum ofSource;
        private final RowSum ofTarget;
        private final Between between;

        Snapshots(
                KeyRange range,
                RangeSnapshot source,
                RangeSnapshot target,
                RowSum ofSource,
                RowSum ofTarget,
                Between between) {
            this.range = range;
            this.source = source;
            this.target = target;
            this.ofSource = ofSource;
            this.ofTarget = ofTarget;
            this.between = between;
        }

        Outcome compare(Set<RowKey> touched) {
            List<Suspect> suspects = suspects(touched);
            return rest(ofSource, true, suspects).equals(rest(ofTarget, false, suspects))
                    ? compared(suspects)
                    : compareRows(touched);
        }

        /// The touched keys with a row in the range, equal or not.
        private List<Suspect> suspects(Set<RowKey> keys) {
            List<RowKey> listed = List.copyOf(keys);
            Map<RowKey, RowSum> sourceRows = source.sums(listed);
            Map<RowKey, RowSum> targetRows = target.sums(listed);
            Set<RowKey> found = new LinkedHashSet<>(sourceRows.keySet());
            found.addAll(targetRows.keySet());
            return found.stream().map(key -> Suspect.of(key, sourceRows, targetRows)).toList();
        }

        private static RowSum rest(RowSum all, boolean ofSource, List<Suspect> without) {
            RowSum rest = all;
            for (Suspect suspect : without) {
                rest = rest.minus(ofSource ? suspect.source() : suspect.target());
            }
            return rest;
        }

        /// The rows of a key may not be found by its text: an index is damaged, or the source table
        /// was rewritten after its sum was read, and is empty in the snapshot. Then the sums show
        /// it.
        private Outcome compared(List<Suspect> found) {
            List<Suspect> differing = found.stream().filter(key -> !key.isEqual()).toList();
            RowSum equal = rest(ofSource, true, differing);
            return equal.equals(rest(ofTarget, false, differing))
                    ? new Outcome.Compared(
                            equal, found.size() - differing.size(), differing, between)
                    : new Outcome.Again(
                            "rows differ that their keys do not find: the source table was truncated"
                                    + " or rewritten meanwhile, or an index of the key is damaged. If"
                                    + " this repeats, run REINDEX on both sides",
                            false);
        }

        /// Rows differ that did not change meanwhile.
        private Outcome compareRows(Set<RowKey> touched) {
            ReconcileLimits limits = with.limits();
            int most = limits.chunks().differences();
            List<RowKey> keys = List.copyOf(touched);
            TableDigest sums = source.buckets().minus(source.buckets(keys));
            with.cancellation().check();
            TableDigest others = target.buckets().minus(target.buckets(keys));
            SortedSet<Integer> differing = sums.differing(others);
            Set<Integer> read = new LinkedHashSet<>();
            long count = 0;
            for (int bucket : differing) {
                if (differing.size() > most && count >= most) {
                    break;
                }
                read.add(bucket);
                count += Math.max(sums.bucket(bucket).rows(), others.bucket(bucket).rows());
            }
            if (count > limits.rows()) {
                long each = part(limits.chunks().rows());
                List<KeyRange> parts = parts(each);
                if (parts.size() > 1) {
                    return new Outcome.Divided(parts, each);
                }
            }
            rows.lock();
            try {
                return compareRows(touched, read, most, read.size() < differing.size());
            } finally {
                rows.unlock();
            }
        }

        private long part(long rows) {
            long most = Math.max(ofSource.rows(), ofTarget.rows());
            return Math.max(Math.ceilDiv(most, MOST_PARTS), Math.min(rows, most / 2));
        }

        private List<KeyRange> parts(long each) {
            boolean bySource = ofSource.rows() > ofTarget.rows();
            return range.split((bySource ? source : target).bounds(each));
        }

        /// What both sides have in common vanishes from the map.
        ///
        /// @param buckets whose rows are read
        /// @param some whether other buckets differ too
        private Outcome compareRows(
                Set<RowKey> touched, Set<Integer> buckets, int most, boolean some) {
            Map<RowKey, RowSum> difference = new HashMap<>();
            source.rows(buckets, (key, row) -> add(difference, key, row));
            with.cancellation().check();
            target.rows(buckets, (key, row) -> add(difference, key, RowSum.NONE.minus(row)));
            Set<RowKey> keys = new LinkedHashSet<>(difference.keySet());
            if (some || keys.size() > most) {
                List<RowKey> first = keys.stream().limit(most).toList();
                return new Outcome.TooMany(suspects(Set.copyOf(first)));
            }
            keys.addAll(touched);
            return compared(suspects(keys));
        }

        private static void add(Map<RowKey, RowSum> sums, RowKey key, RowSum row) {
            sums.merge(
                    key,
                    row,
                    (one, other) -> {
                        RowSum sum = one.plus(other);
                        return sum.equals(RowSum.NONE) ? null : sum;
                    });
        }
    }
}
