package dev.millrace.backfill;

import dev.millrace.backfill.Leaves.Leaf;
import dev.millrace.change.Row;
import dev.millrace.change.RowSchema;
import dev.millrace.postgres.Identifier;
import dev.millrace.postgres.RunningTransactions;
import dev.millrace.postgres.SqlState;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;
import java.util.function.Predicate;

/// Reads one range of pages of one leaf in one transaction. Not thread-safe; confined to the
/// reader's thread, which owns the connection. Leaves no transaction open.
final class RangeReader {

    /// The result of an attempt to read a range.
    sealed interface Result {

        /// @param done the part of the range that was read, from its beginning; empty if the read
        ///   was stopped before the first row
        /// @param bytes memory of the rows
        record Read(List<Row> rows, TidRange done, long bytes) implements Result {}

        /// The leaf was rewritten, detached or dropped after it was found, so nothing that is known
        /// about its pages is true any more.
        record Altered() implements Result {}

        /// Nothing was read; try again soon.
        record NotNow() implements Result {}
    }

    private final Connection connection;

    RangeReader(Connection connection) {
        this.connection = connection;
    }

    /// @param delivered of [CaptureAccess#deliveredAsOfNow], copied after the window was opened
    Result read(
            Leaf leaf,
            RowSchema schema,
            TidRange range,
            RowCopy.Limit limit,
            Predicate<RunningTransactions> delivered)
            throws SQLException {
        try (ReadTransaction transaction = new ReadTransaction(connection)) {
            return switch (transaction.begin(leaf.id(), true, delivered)) {
                case HIDES_DELIVERED, LOCKED -> new Result.NotNow();
                case BEGUN -> copy(leaf, schema, range, limit);
            };
        } catch (SQLException e) {
            return switch (SqlState.of(e)) {
                case UNDEFINED_TABLE -> new Result.Altered();
                // The end of a read at its limit can arrive late.
                case QUERY_CANCELED -> new Result.NotNow();
                default -> throw e;
            };
        }
    }

    private Result copy(Leaf leaf, RowSchema schema, TidRange range, RowCopy.Limit limit)
            throws SQLException {
        RowCopy.Copied copied =
                new RowCopy(connection, schema)
                        .read(
                                "FROM ONLY "
                                        + Identifier.quote(leaf.id())
                                        + " t WHERE "
                                        + range.condition(),
                                limit);
        // After the read, under the same lock: the rows were read from exactly this file.
        if (!Leaves.isUnaltered(connection, leaf.version())) {
            return new Result.Altered();
        }
        TidRange done =
                copied.complete() ? range : new TidRange(range.from(), copied.lastTid() + 1);
        return new Result.Read(copied.rows(), done, copied.bytes());
    }
}
