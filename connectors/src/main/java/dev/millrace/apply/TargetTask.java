package dev.millrace.apply;

import dev.millrace.apply.refusal.KeyRequest;
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

    /// Work on keys that were set aside, while no batch of their partitions is in progress. Moves
    /// no offset.
    ///
    /// @param from the stored offsets of the partitions
    record KeyWork(What what, List<StoredOffset> from) implements TargetTask {

        public KeyWork {
            from = List.copyOf(from);
        }

        sealed interface What {}

        /// Held keys are tried again.
        ///
        /// @param passed the watermark that every partition has passed
        /// @param latest the latest watermark that a partition has passed
        record Judgement(long passed, long latest) implements What {

            /// No held key is judged.
            static final Judgement NONE = new Judgement(Long.MIN_VALUE, Long.MIN_VALUE);
        }

        record Asked(KeyRequest request) implements What {}

        boolean covers(int partition) {
            return from.stream().anyMatch(offset -> offset.partition() == partition);
        }
    }

    /// A hold at a truncate: every partition has applied everything before it and nothing after it.
    /// One transaction deletes the rows that the mappings of the truncated table own, and moves
    /// every stored offset past the truncate.
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
