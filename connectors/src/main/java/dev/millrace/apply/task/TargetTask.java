package dev.millrace.apply.task;

import dev.millrace.apply.refusal.KeyRequest;
import dev.millrace.change.TableId;
import dev.millrace.change.TargetChange;
import dev.millrace.control.StoredOffset;
import dev.millrace.control.stopped.MissedChanges.Missed;
import java.util.List;

/// A task that a writer runs in one transaction on the target, and repeats until it has an outcome.
public sealed interface TargetTask {

    record ReadOffsets() implements TargetTask {}

    /// Reads which tables may accept now what they refused.
    record ReadShapes(int generation) implements TargetTask {}

    /// Consecutive changes of one partition that are applied in one transaction, which moves the
    /// stored offset from `from` to `to`. Contains no truncate.
    record PartitionBatch(StoredOffset from, StoredOffset to, List<TargetChange> changes)
            implements TargetTask {

        public PartitionBatch {
            changes = List.copyOf(changes);
        }

        public int partition() {
            return from.partition();
        }

        /// Whether the batch moves the offset and writes no row.
        public boolean isOnlyOffset() {
            return changes.stream().allMatch(TargetChange.Watermark.class::isInstance);
        }
    }

    /// Changes that a stopped table has missed in one partition, and that are applied before any
    /// later change of the partition. Moves the missed changes from `batch.from()` to `batch.to()`,
    /// and not the stored offset.
    ///
    /// @param missed from `batch.from()` on
    /// @param stored the partition's stored offset
    record MissedBatch(Missed missed, StoredOffset stored, PartitionBatch batch)
            implements TargetTask {

        /// Whether nothing that was missed in the partition remains.
        public boolean isLast() {
            return missed.isReached(batch.to().token());
        }
    }

    /// A hold at a truncate that a stopped table has missed.
    ///
    /// @param tables the table, or parts of it
    /// @param batches without changes, by partition: they move past the truncate
    record MissedTruncate(List<TableId> tables, long id, List<MissedBatch> batches)
            implements TargetTask {

        public MissedTruncate {
            tables = List.copyOf(tables);
            batches = List.copyOf(batches);
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

        public sealed interface What {}

        /// Held keys are tried again.
        ///
        /// @param passed the watermark that every partition has passed
        /// @param latest the latest watermark that a partition has passed
        public record Judgement(long passed, long latest) implements What {

            /// No held key is judged.
            public static final Judgement NONE = new Judgement(Long.MIN_VALUE, Long.MIN_VALUE);
        }

        public record Asked(KeyRequest request) implements What {}

        public boolean covers(int partition) {
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
