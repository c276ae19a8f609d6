package dev.millrace.backfill;

import dev.millrace.change.Row;
import dev.millrace.change.RowSchema;
import dev.millrace.postgres.Identifier;
import dev.millrace.postgres.SqlState;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BooleanSupplier;
import java.util.stream.Collectors;
import org.postgresql.PGConnection;
import org.postgresql.copy.CopyOut;

/// Reads rows by COPY, in the order of their positions, until they end or the limit is reached.
/// COPY prints each value by the output function of its type, as logical decoding does. Not
/// thread-safe; confined to the reader's thread.
final class RowCopy {

    /// @param bytes,rows the read ends after the row that reaches one of them
    /// @param stop the read also ends when this becomes true
    record Limit(long bytes, long rows, BooleanSupplier stop) {

        private boolean isReached(List<Row> read, long size) {
            return size >= bytes || read.size() >= rows || stop.getAsBoolean();
        }
    }

    /// @param complete false if the read ended at the limit
    /// @param lastTid position of the last row; -1 without rows
    /// @param bytes memory of the rows
    record Copied(List<Row> rows, boolean complete, long lastTid, long bytes) {}

    private final Connection connection;
    private final RowSchema schema;

    RowCopy(Connection connection, RowSchema schema) {
        this.connection = connection;
        this.schema = schema;
    }

    /// @param from the FROM and WHERE clauses
    Copied read(String from, Limit limit) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            // The cancellation of COPY must not end the transaction, which holds the lock.
            statement.execute("SAVEPOINT rows");
            Copied copied = copy(from, limit);
            if (!copied.complete()) {
                statement.execute("ROLLBACK TO SAVEPOINT rows");
            }
            return copied;
        }
    }

    private Copied copy(String from, Limit limit) throws SQLException {
        String columns =
                schema.columns().stream()
                        .map(name -> "t." + Identifier.quote(name))
                        .collect(Collectors.joining(", "));
        CopyOut copy =
                connection
                        .unwrap(PGConnection.class)
                        .getCopyAPI()
                        .copyOut("COPY (SELECT t.ctid, " + columns + " " + from + ") TO STDOUT");
        List<Row> rows = new ArrayList<>();
        long bytes = 0;
        long tid = -1;
        byte[] line = copy.readFromCopy();
        while (line != null) {
            CopyLine parsed = new CopyLine(line);
            tid = parsed.tid();
            Row row = parsed.row(schema);
            rows.add(row);
            bytes += WindowChanges.size(row);
            if (limit.isReached(rows, bytes)) {
                cancel(copy);
                return new Copied(rows, false, tid, bytes);
            }
            line = copy.readFromCopy();
        }
        return new Copied(rows, true, tid, bytes);
    }

    /// The driver's own cancellation does not read what the server sent meanwhile, and the next
    /// statement would receive it.
    private void cancel(CopyOut copy) throws SQLException {
        connection.unwrap(PGConnection.class).cancelQuery();
        try {
            byte[] line = copy.readFromCopy();
            while (line != null) {
                line = copy.readFromCopy();
            }
        } catch (SQLException e) {
            if (!SqlState.QUERY_CANCELED.matches(e)) {
                throw e;
            }
        }
    }
}
