package dev.millrace.apply;

import dev.millrace.change.TableId;
import dev.millrace.control.AppliedOffsets;
import dev.millrace.control.StoppedTables.StoppedTable;
import dev.millrace.control.StoredOffset;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// What came of a task on the target.
sealed interface WriteOutcome {

    /// It committed.
    ///
    /// @param changes applied, by table
    record Applied(Map<TableId, Long> changes, List<StoppedTable> newlyStopped)
            implements WriteOutcome {

        public Applied {
            changes = Map.copyOf(changes);
            newlyStopped = List.copyOf(newlyStopped);
        }
    }

    /// The stored offsets are where it would have taken them: an earlier attempt committed although
    /// its answer never came.
    record AppliedBefore() implements WriteOutcome {}

    /// The stored offsets as they are.
    record Read(AppliedOffsets offsets) implements WriteOutcome {}

    /// A partition's stored offset is elsewhere: somebody else moved it, and nothing was written.
    record Lost(int partition, Optional<StoredOffset> found) implements WriteOutcome {}
}
