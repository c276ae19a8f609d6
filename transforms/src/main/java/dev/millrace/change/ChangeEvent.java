package dev.millrace.change;

import java.util.Set;

/// One record of the changes topic: what happened on the source, in the order of its partition.
///
/// A change of a key's value arrives as a [Delete] of the old key and an [Insert] of the new one.
/// Rows carry every column of the source table that the publication sends; cells may be unchanged
/// in an [Update], and in the [Insert] that stands for the second half of a change of key.
public sealed interface ChangeEvent {

    /// The generation of the log that wrote this record; records of an older one are dropped by
    /// every reader.
    int generation();

    /// A change of one row of one table.
    sealed interface OfRow extends ChangeEvent {
        Origin origin();

        /// The row after the change; for a [Delete] the row before it, of which only the key's
        /// cells are sure.
        Row row();

        default TableId table() {
            return row().table();
        }
    }

    /// A row that was there before, read outside the stream.
    record Read(int generation, Origin origin, Row row) implements OfRow {}

    record Insert(int generation, Origin origin, Row row) implements OfRow {}

    record Update(int generation, Origin origin, Row row) implements OfRow {}

    record Delete(int generation, Origin origin, Row row) implements OfRow {}

    /// The table was emptied. Written to every partition; `id` is the same in all of them and
    /// unique in a generation.
    record Truncate(int generation, Origin origin, TableId table, long id) implements ChangeEvent {}

    /// Written to every partition in one Kafka transaction.
    record Watermark(Origin origin, WatermarkNumber watermark) implements ChangeEvent {
        @Override
        public int generation() {
            return watermark.generation();
        }
    }

    /// Where a change comes from on the source. For people and lag; order is the log's alone.
    ///
    /// @param lsn position of the change in the WAL; zero for a row read outside the stream
    /// @param transaction the transaction's id on the source, as the stream gives it: without its
    ///   epoch; zero for a row read outside the stream
    /// @param committedAtMicros commit time by the source's clock, microseconds since 1970; zero
    ///   when not known
    public record Origin(Lsn lsn, long transaction, long committedAtMicros) {

        public static final Origin NONE = new Origin(Lsn.ZERO, 0, 0);

        private static final long WITHOUT_EPOCH = 0xFFFF_FFFFL;

        /// @param transaction id with epoch, as `pg_current_snapshot()` prints it
        /// @return the id by which the stream knows it
        public static long streamed(long transaction) {
            return transaction & WITHOUT_EPOCH;
        }

        /// @param transactions ids with epoch, as `pg_current_snapshot()` prints them
        public boolean isOfOne(Set<Long> transactions) {
            long own = streamed(transaction);
            return transactions.stream().anyMatch(id -> streamed(id) == own);
        }
    }
}
