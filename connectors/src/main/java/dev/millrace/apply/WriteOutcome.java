package dev.millrace.apply;

import dev.millrace.change.TableId;
import dev.millrace.control.AppliedOffsets;
import dev.millrace.control.StoppedTables.StoppedTable;
import dev.millrace.control.StoredOffset;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// The outcome of a [TargetTask].
sealed interface WriteOutcome {

    /// The transaction committed.
    ///
    /// @param changes the number of applied changes by table
    record Applied(Map<TableId, Long> changes, List<StoppedTable> newlyStopped)
            implements WriteOutcome {

        public Applied {
            changes = Map.copyOf(changes);
            newlyStopped = List.copyOf(newlyStopped);
        }
    }

    /// The stored offsets are already where the task moves them: an earlier attempt committed, but
    /// the reply to its COMMIT was lost.
    record AppliedBefore() implements WriteOutcome {}

    /// The stored offsets that were read.
    record Read(AppliedOffsets offsets) implements WriteOutcome {}

    /// Another process moved the stored offset of the partition. Nothing was written.
    record Lost(int partition, Optional<StoredOffset> found) implements WriteOutcome {}
}
