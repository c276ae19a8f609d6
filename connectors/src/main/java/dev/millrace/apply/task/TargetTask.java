package dev.millrace.apply.task;

import dev.millrace.apply.refusal.KeyRequest;
import dev.millrace.change.Row;
import dev.millrace.change.TableId;
import dev.millrace.change.TargetChange;
import dev.millrace.control.StoredOffset;
import dev.millrace.control.stopped.MissedChanges.Missed;
import java.util.List;
import java.util.stream.Stream;

/// A task that a writer runs in one transaction on the target, and repeats until it has an outcome.
public sealed interface TargetTask {

    /// How many rows the task writes, as far as a limit counts them.
    default long rows() {
        return 0;
    }

    /// The size of their cells.
    default long bytes() {
        return 0;
    }

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

        @Override
        public long rows() {
            return written().count();
        }

        @Override
        public long bytes() {
            return written().mapToLong(PartitionBatch::size).sum();
        }

        private Stream<TargetChange> written() {
            return changes.stream().filter(change -> !(change instanceof TargetChange.Watermark));
        }

        private static long size(TargetChange change) {
            return switch (change) {
                case TargetChange.Upsert(_, Row row) -> row.size();
                case TargetChange.Delete(_, Row row) -> row.size();
                case TargetChange.Rejected rejected -> rejected.image().size();
                case TargetChange.Truncate _,
                        TargetChange.BackfillComplete _,
                        TargetChange.Watermark _ ->
                        0;
            };
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

        @Override
        public long rows() {
            return batch.rows();
        }

        @Override
        public long bytes() {
            return batch.bytes();
        }

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
