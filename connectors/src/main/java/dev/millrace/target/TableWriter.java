package dev.millrace.target;

import dev.millrace.change.Row;
import dev.millrace.change.RowKey;
import dev.millrace.change.Shape;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.IntFunction;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.postgresql.PGConnection;
import org.postgresql.copy.CopyIn;

/// Writes rows of one shape through one session, in the caller's transaction. For the session's
/// thread.
final class TableWriter {

    /// From here on COPY into a temporary table outruns arrays; below it the emptying of that table
    /// costs more than it gains.
    private static final int ROWS_FOR_COPY = 1_000;

    /// A buffer of this size is handed to the driver.
    private static final int COPY_CHUNK = 1 << 20;

    private final Connection connection;
    private final Shape shape;
    private final TableSql sql;
    private final int rowsForCopy;
    private final boolean deferred;
    private boolean staged;
    private boolean stagedInTransaction;

    /// @throws TableStop when the target has no such table or column
    static TableWriter open(Connection connection, Shape shape, int number)
            throws SQLException, TableStop {
        return new TableWriter(connection, shape, number, ROWS_FOR_COPY);
    }

    TableWriter(Connection connection, Shape shape, int number, int rowsForCopy)
            throws SQLException, TableStop {
        this.connection = connection;
        this.shape = shape;
        this.rowsForCopy = rowsForCopy;
        this.deferred = TargetColumns.hasDeferred(connection, shape.table());
        sql = new TableSql(shape, TargetColumns.read(connection, shape), "millrace_rows_" + number);
    }

    void upsert(List<Row> rows) throws SQLException {
        if (rows.size() >= rowsForCopy) {
            copy(rows);
            try (var statement = connection.createStatement()) {
                statement.executeUpdate(sql.upsertFromStaging());
            }
        } else if (!rows.isEmpty()) {
            List<Integer> all = IntStream.range(0, shape.size()).boxed().toList();
            update(sql.upsertFromArrays(), rows.size(), all, i -> rows.get(i)::text);
        }
    }

    void delete(List<RowKey> keys) throws SQLException {
        if (!keys.isEmpty()) {
            update(sql.deleteFromArrays(), keys.size(), shape.key(), i -> keyCells(keys.get(i)));
        }
    }

    /// @throws TableStop when the target lacks a row for one of them
    void update(List<Row> partial) throws SQLException, TableStop {
        Map<List<Integer>, List<Row>> byCarried = new HashMap<>();
        for (Row row : partial) {
            byCarried.computeIfAbsent(carried(row), _ -> new ArrayList<>()).add(row);
        }
        for (var group : byCarried.entrySet()) {
            List<Integer> carried = group.getKey();
            List<Row> rows = group.getValue();
            int hit =
                    carried.isEmpty()
                            ? count(rows)
                            : update(
                                    sql.updateFromArrays(carried),
                                    rows.size(),
                                    sql.with(carried),
                                    i -> rows.get(i)::text);
            if (hit != rows.size()) {
                throw new TableStop(shape.table(), StopReason.withoutRow(shape.table()));
            }
        }
    }

    /// Lets a deferred constraint speak while it is known which table it speaks of.
    void checkDeferred() throws SQLException {
        if (deferred) {
            try (var statement = connection.createStatement()) {
                statement.execute("SET CONSTRAINTS ALL IMMEDIATE");
            }
        }
    }

    private int count(List<Row> rows) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(sql.countFromArrays())) {
            arrays(statement, rows.size(), shape.key(), i -> rows.get(i)::text);
            try (ResultSet row = statement.executeQuery()) {
                row.next();
                return row.getInt(1);
            }
        }
    }

    private int update(
            String text,
            int rows,
            List<Integer> columns,
            IntFunction<IntFunction<@Nullable String>> cells)
            throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(text)) {
            arrays(statement, rows, columns, cells);
            return statement.executeUpdate();
        }
    }

    private void arrays(
            PreparedStatement statement,
            int rows,
            List<Integer> columns,
            IntFunction<IntFunction<@Nullable String>> cells)
            throws SQLException {
        for (int c = 0; c < columns.size(); c++) {
            @Nullable String[] texts = new String[rows];
            for (int r = 0; r < rows; r++) {
                texts[r] = cells.apply(r).apply(columns.get(c));
            }
            statement.setArray(c + 1, connection.createArrayOf("text", texts));
        }
    }

    private IntFunction<@Nullable String> keyCells(RowKey key) {
        return column -> key.value(shape.key().indexOf(column));
    }

    private List<Integer> carried(Row row) {
        return IntStream.range(0, shape.size())
                .filter(i -> !row.isUnchanged(i) && !shape.key().contains(i))
                .boxed()
                .toList();
    }

    private void copy(List<Row> rows) throws SQLException {
        stage();
        CopyIn copy =
                connection.unwrap(PGConnection.class).getCopyAPI().copyIn(sql.copyIntoStaging());
        try {
            CopyText text = new CopyText();
            for (Row row : rows) {
                text.add(row);
                if (text.size() >= COPY_CHUNK) {
                    copy.writeToCopy(text.buffer(), 0, text.size());
                    text.clear();
                }
            }
            copy.writeToCopy(text.buffer(), 0, text.size());
            copy.endCopy();
        } finally {
            if (copy.isActive()) {
                copy.cancelCopy();
            }
        }
    }

    private void stage() throws SQLException {
        if (!staged) {
            try (var statement = connection.createStatement()) {
                statement.execute(sql.createStaging());
            }
            staged = true;
            stagedInTransaction = true;
        }
    }

    /// The temporary table stays only when the transaction that made it commits.
    void ended(boolean committed) {
        staged &= committed || !stagedInTransaction;
        stagedInTransaction = false;
    }
}
