package dev.millrace.capture;

import dev.millrace.capture.position.SourcePosition;
import dev.millrace.kafka.LogReader.Range;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/// How the records are to be ended that a transaction left open although its coordinator takes it
/// for ended (KIP-664 calls it hanging). Kafka leaves them when a partition has no leader at the
/// moment its marker is due, as every partition of a single broker while that starts again
/// (KAFKA-20734): some partitions have the marker then, the others never get it. Left as they are,
/// they would come into sight with the end of the next transaction of the same producer.
sealed interface HangingTransaction {

    /// @param commit partitions of the changes topic whose open records were committed
    /// @param abort partitions of the changes topic whose open records were not
    /// @param abortPosition whether what is open in the position topic was not
    /// @param last the last position then
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

    record Unclear(String reason) implements HangingTransaction {}

    /// Two transactions' records under one marker can't be told apart any more.
    Unclear MIXED =
            new Unclear(
                    "the log holds open records of more than one transaction: the broker ended neither");

    /// The position topic shows its last position, so every transaction behind that one was not
    /// committed: a position is the last thing that a transaction writes.
    static HangingTransaction besides(
            Map<Integer, Range> open, boolean abortPosition, Optional<SourcePosition> committed) {
        Set<Integer> commit = new TreeSet<>();
        Set<Integer> abort = new TreeSet<>();
        for (Map.Entry<Integer, Range> each : open.entrySet()) {
            long covered = end(committed, each.getKey());
            if (each.getValue().to() <= covered) {
                commit.add(each.getKey());
            } else if (each.getValue().from() >= covered) {
                abort.add(each.getKey());
            } else {
                return MIXED;
            }
        }
        return new End(commit, abort, abortPosition, committed);
    }

    /// One position is open. Its transaction is whole, for everything else was acknowledged before.
    /// Where one of its partitions has a marker, that one decides; where none has, it was seen by
    /// nobody and written by nobody again, and it may have been confirmed to the source: it is
    /// committed.
    ///
    /// @param open the open records of the changes topic
    /// @param ended the transaction's partitions that have their marker
    /// @param shown those of them whose marker commits
    static HangingTransaction with(
            Map<Integer, Range> open,
            Set<Integer> ended,
            Set<Integer> shown,
            Optional<SourcePosition> committed,
            SourcePosition last) {
        boolean abort = shown.size() < ended.size();
        if (abort && !shown.isEmpty()) {
            return MIXED;
        }
        for (Map.Entry<Integer, Range> each : open.entrySet()) {
            if (each.getValue().to() > end(Optional.of(last), each.getKey())
                    || abort && each.getValue().from() < end(committed, each.getKey())) {
                return MIXED;
            }
        }
        return abort
                ? new End(Set.of(), open.keySet(), true, committed)
                : new End(open.keySet(), Set.of(), false, Optional.of(last));
    }

    /// The offset behind the last record of a partition that belongs to a position.
    static long end(Optional<SourcePosition> position, int partition) {
        return position.map(known -> known.logged().changesEnds())
                .filter(ends -> partition < ends.size())
                .map(ends -> ends.get(partition))
                .orElse(0L);
    }
}
