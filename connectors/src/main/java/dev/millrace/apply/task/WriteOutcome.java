package dev.millrace.apply.task;

import dev.millrace.apply.refusal.KeyRequest;
import dev.millrace.apply.shape.TargetShape.Waiting;
import dev.millrace.change.TableId;
import dev.millrace.control.AppliedOffsets;
import dev.millrace.control.StoredOffset;
import dev.millrace.control.stopped.MissedChanges.Missed;
import dev.millrace.control.stopped.StoppedTables.StoppedTable;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// The outcome of a [TargetTask].
public sealed interface WriteOutcome {

    /// The transaction committed.
    ///
    /// @param changes the number of applied changes by table
    /// @param parked the keys that this transaction has set aside
    record Applied(Map<TableId, Long> changes, List<StoppedTable> newlyStopped, List<Parked> parked)
            implements WriteOutcome {

        public Applied {
            changes = Map.copyOf(changes);
            newlyStopped = List.copyOf(newlyStopped);
            parked = List.copyOf(parked);
        }
    }

    /// A key that was set aside.
    ///
    /// @param held whether it is tried again by itself
    record Parked(TableId table, String cause, boolean held) {}

    /// The stored offsets are already where the task moves them: an earlier attempt committed, but
    /// the reply to its COMMIT was lost.
    record AppliedBefore() implements WriteOutcome {}

    /// The stored offsets that were read.
    ///
    /// @param judgements the lowest watermark at which a held key is judged, by partition
    /// @param missed what is to be applied before anything else of the partition
    record Read(AppliedOffsets offsets, Map<Integer, Long> judgements, Map<Integer, Missed> missed)
            implements WriteOutcome {

        public Read {
            judgements = Map.copyOf(judgements);
            missed = Map.copyOf(missed);
        }
    }

    /// The tables of which something waits, with their present shape.
    record Shapes(Map<TableId, Waiting> waiting) implements WriteOutcome {

        public Shapes {
            waiting = Map.copyOf(waiting);
        }
    }

    /// Keys that were set aside were tried again, or skipped.
    ///
    /// @param applied what the transaction applied and set aside
    /// @param judgements as for [Read], of all partitions
    record Worked(KeyRequest.Outcome outcome, Applied applied, Map<Integer, Long> judgements)
            implements WriteOutcome {

        public Worked {
            judgements = Map.copyOf(judgements);
        }
    }

    /// Another process moved the stored offset of the partition, or what a table has missed in it.
    /// Nothing was written.
    record Lost(int partition, Optional<StoredOffset> found) implements WriteOutcome {}
}
