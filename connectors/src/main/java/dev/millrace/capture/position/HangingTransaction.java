package dev.millrace.capture.position;

import dev.millrace.kafka.TopicReader.OffsetRange;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/// How to end the records of a hanging transaction (KIP-664): one that is still open in some
/// partitions although its coordinator considers it ended. Kafka leaves such records if a partition
/// has no leader when its marker is due, like every partition of a single broker that restarts
/// (KAFKA-20734). Some partitions then have the marker, and the others never get it. Left alone,
/// the records would become visible with the end of the next transaction of the same producer.
/// Pure.
public sealed interface HangingTransaction {

    /// @param commit partitions of the changes topic whose open records must be committed
    /// @param abort partitions of the changes topic whose open records must be aborted
    /// @param abortPosition whether open records of the position topic must be aborted
    /// @param last the last position afterwards
    record End(
            Set<Integer> commit,
            Set<Integer> abort,
            boolean abortPosition,
            Optional<SourcePosition> last)
            implements HangingTransaction {

        public End {
            commit = Set.copyOf(commit);
            abort = Set.copyOf(abort);
        }
    }

    record Undecidable(String reason) implements HangingTransaction {}

    /// One marker would end records of two transactions.
    Undecidable AMBIGUOUS =
            new Undecidable(
                    "The log contains open records of more than one transaction, and the broker ended none of them.");

    /// No position is open, so every transaction after the last committed position was not
    /// committed: a transaction writes its position last.
    static HangingTransaction withCommittedPosition(
            Map<Integer, OffsetRange> open,
            boolean abortPosition,
            Optional<SourcePosition> committed) {
        Set<Integer> commit = new TreeSet<>();
        Set<Integer> abort = new TreeSet<>();
        for (Map.Entry<Integer, OffsetRange> each : open.entrySet()) {
            long covered = end(committed, each.getKey());
            if (each.getValue().to() <= covered) {
                commit.add(each.getKey());
            } else if (each.getValue().from() >= covered) {
                abort.add(each.getKey());
            } else {
                return AMBIGUOUS;
            }
        }
        return new End(commit, abort, abortPosition, committed);
    }

    /// One position is open. Its transaction is complete, because all its other records were
    /// acknowledged first. If one of its partitions has a marker, that marker decides. Otherwise no
    /// consumer has read the transaction and nothing was written after it, but it may have been
    /// confirmed to the source, so it is committed.
    ///
    /// @param open the open records of the changes topic
    /// @param ended partitions of the transaction that have a marker
    /// @param committing the subset of `ended` whose marker commits
    static HangingTransaction withOpenPosition(
            Map<Integer, OffsetRange> open,
            Set<Integer> ended,
            Set<Integer> committing,
            Optional<SourcePosition> committed,
            SourcePosition last) {
        boolean abort = committing.size() < ended.size();
        if (abort && !committing.isEmpty()) {
            return AMBIGUOUS;
        }
        for (Map.Entry<Integer, OffsetRange> each : open.entrySet()) {
            if (each.getValue().to() > end(Optional.of(last), each.getKey())
                    || abort && each.getValue().from() < end(committed, each.getKey())) {
                return AMBIGUOUS;
            }
        }
        return abort
                ? new End(Set.of(), open.keySet(), true, committed)
                : new End(open.keySet(), Set.of(), false, Optional.of(last));
    }

    /// The offset after the last record of a partition that a position covers.
    static long end(Optional<SourcePosition> position, int partition) {
        return position.map(known -> known.logged().changesEnds())
                .filter(ends -> partition < ends.size())
                .map(ends -> ends.get(partition))
                .orElse(0L);
    }
}
