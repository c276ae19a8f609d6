package dev.millrace.change;

import java.util.Set;

/// A change of the source in the changes topic, in the order of its partition. Immutable.
///
/// A change of a key value arrives as a [Delete] of the old key and an [Insert] of the new one.
/// Rows carry every column of the source table that the publication sends. Cells may be unchanged
/// in an [Update], in the [Insert] of a key change, and in an [Oversized].
public sealed interface ChangeEvent {

    /// The generation of the log that contains this record. Readers drop records of an older
    /// generation.
    int generation();

    /// A change of one row of one table.
    sealed interface OfRow extends ChangeEvent {
        Origin origin();

        /// The row after the change. For a [Delete], the row before it, of which only the key cells
        /// are reliable.
        Row row();

        /// Whether a later [Read] of the same key completes the row: until then, the target cannot
        /// have it, or not all of its cells. A [Read] and a [Delete] await nothing.
        default boolean awaitsRead() {
            return false;
        }

        default TableId table() {
            return row().table();
        }
    }

    /// A row that existed before the stream, read by the backfill.
    record Read(int generation, Origin origin, Row row) implements OfRow {}

    record Insert(int generation, Origin origin, Row row, boolean awaitsRead) implements OfRow {

        public Insert(int generation, Origin origin, Row row) {
            this(generation, origin, row, false);
        }
    }

    record Update(int generation, Origin origin, Row row, boolean awaitsRead) implements OfRow {

        public Update(int generation, Origin origin, Row row) {
            this(generation, origin, row, false);
        }
    }

    record Delete(int generation, Origin origin, Row row) implements OfRow {}

    /// A row that was inserted, updated or read, and that no record of the log can hold. Its
    /// largest cells are unchanged here, although the source has other values.
    ///
    /// @param reason contains names and sizes, and no value of the row
    record Oversized(int generation, Origin origin, Row row, String reason) implements OfRow {}

    /// The table was truncated. Written to every partition; `id` is the same in all of them and
    /// unique in a generation.
    record Truncate(int generation, Origin origin, TableId table, long id) implements ChangeEvent {}

    /// Every existing row of the table precedes this record in its partition. Written to every
    /// partition.
    record BackfillComplete(int generation, TableId table) implements ChangeEvent {}

    /// Written to every partition in one Kafka transaction.
    record Watermark(Origin origin, WatermarkNumber watermark) implements ChangeEvent {
        @Override
        public int generation() {
            return watermark.generation();
        }
    }

    /// The origin of a change on the source. For display and lag only; the log alone defines the
    /// order.
    ///
    /// @param lsn WAL position of the change; zero for what the backfill read, which includes a
    ///   deletion that it found
    /// @param transaction the transaction id on the source as the stream gives it, without its
    ///   epoch; zero for a row that the backfill read
    /// @param committedAtMicros commit time by the source's clock, in microseconds since 1970; zero
    ///   when unknown
    public record Origin(Lsn lsn, long transaction, long committedAtMicros) {

        public static final Origin NONE = new Origin(Lsn.ZERO, 0, 0);

        private static final long WITHOUT_EPOCH = 0xFFFF_FFFFL;

        /// @param transaction id with its epoch, as `pg_current_snapshot()` prints it
        /// @return the id as it is in the stream
        public static long streamed(long transaction) {
            return transaction & WITHOUT_EPOCH;
        }

        /// @param transactions ids with their epochs, as `pg_current_snapshot()` prints them
        public boolean isOfOne(Set<Long> transactions) {
            long own = streamed(transaction);
            return transactions.stream().anyMatch(id -> streamed(id) == own);
        }
    }
}
