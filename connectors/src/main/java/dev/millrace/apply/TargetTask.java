package dev.millrace.apply;

import dev.millrace.change.TableId;
import dev.millrace.change.TargetChange;
import dev.millrace.control.StoredOffset;
import java.util.List;

/// Something that a writer does in one transaction on the target, again and again until it has an
/// outcome.
sealed interface TargetTask {

    record ReadOffsets() implements TargetTask {}

    /// Consecutive changes of one partition that are applied in one transaction, which takes the
    /// stored offset from `from` to `to`. Holds no truncate.
    record PartitionBatch(StoredOffset from, StoredOffset to, List<TargetChange> changes)
            implements TargetTask {

        public PartitionBatch {
            changes = List.copyOf(changes);
        }

        int partition() {
            return from.partition();
        }

        /// True when there is an offset to move and nothing to write.
        boolean onlyMoves() {
            return changes.stream().allMatch(TargetChange.Watermark.class::isInstance);
        }
    }

    /// The point at which every partition stands right before the same truncate, with everything
    /// before it applied. One transaction empties the table and takes every stored offset past the
    /// truncate.
    ///
    /// @param from the stored offsets by partition
    /// @param to the same behind the truncate
    record TruncateHold(TableId table, long id, List<StoredOffset> from, List<StoredOffset> to)
            implements TargetTask {

        public TruncateHold {
            from = List.copyOf(from);
            to = List.copyOf(to);
        }
    }
}
