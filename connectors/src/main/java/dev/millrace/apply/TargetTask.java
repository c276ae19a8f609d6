package dev.millrace.apply;

import dev.millrace.change.TableId;
import dev.millrace.change.TargetChange;
import dev.millrace.control.StoredOffset;
import java.util.List;

/// A task that a writer runs in one transaction on the target, and repeats until it has an outcome.
sealed interface TargetTask {

    record ReadOffsets() implements TargetTask {}

    /// Consecutive changes of one partition that are applied in one transaction, which moves the
    /// stored offset from `from` to `to`. Contains no truncate.
    record PartitionBatch(StoredOffset from, StoredOffset to, List<TargetChange> changes)
            implements TargetTask {

        public PartitionBatch {
            changes = List.copyOf(changes);
        }

        int partition() {
            return from.partition();
        }

        /// Whether the batch moves the offset and writes no row.
        boolean isOnlyOffset() {
            return changes.stream().allMatch(TargetChange.Watermark.class::isInstance);
        }
    }

    /// A hold at a truncate: every partition has applied everything before it and nothing after it.
    /// One transaction empties the tables and moves every stored offset past the truncate.
    ///
    /// @param from the stored offsets by partition
    /// @param to the stored offsets after the truncate
    record TruncateHold(
            List<TableId> tables, long id, List<StoredOffset> from, List<StoredOffset> to)
            implements TargetTask {

        public TruncateHold {
            tables = List.copyOf(tables);
            from = List.copyOf(from);
            to = List.copyOf(to);
        }
    }
}
