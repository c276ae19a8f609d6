package dev.millrace.apply.rows;

import dev.millrace.apply.copy.DirectCopy;
import dev.millrace.apply.copy.RowCopy;
import dev.millrace.apply.refusal.RowRefusal;
import dev.millrace.apply.refusal.StopReason;
import dev.millrace.apply.refusal.TableStop;
import dev.millrace.apply.sql.Rewriters;
import dev.millrace.apply.sql.TableRule;
import dev.millrace.apply.sql.TableSql;
import dev.millrace.change.Row;
import dev.millrace.change.RowKey;
import dev.millrace.change.RowSchema;
import dev.millrace.postgres.Identifier;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Savepoint;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.function.IntFunction;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/// Writes rows of one schema through one session, in the caller's transaction. Not thread-safe;
/// confined to the session's thread.
public final class TableWriter {

    /// From this number on COPY into a temporary table is faster than arrays. With fewer rows,
    /// emptying that table costs more than COPY saves.
    private static final int ROWS_FOR_COPY = 1_000;

    /// @param rows the number of rows that the server reports
    private record Written(int rows, Rewriters rewriters) {}

    private final Connection connection;
    private final RowSchema schema;
    private final TableSql sql;
    private final int rowsForCopy;
    private final boolean hasDeferredConstraint;
    private final DirectCopy direct;
    private boolean staged;
    private boolean stagedInTransaction;
    private boolean filled;

    /// @throws TableStop when the target has no such table or column
    public static TableWriter open(
            Connection connection, RowSchema schema, int number, TableRule rule)
            throws SQLException, TableStop {
        return new TableWriter(connection, schema, number, rule, ROWS_FOR_COPY);
    }

    public TableWriter(
            Connection connection, RowSchema schema, int number, TableRule rule, int rowsForCopy)
            throws SQLException, TableStop {
        this.connection = connection;
        this.schema = schema;
        this.rowsForCopy = rowsForCopy;
        this.hasDeferredConstraint = TargetColumns.hasDeferred(connection, schema.table());
        sql =
                new TableSql(
                        schema,
                        TargetColumns.read(connection, schema),
                        rule.kept(),
                        "millrace_rows_" + number);
        direct = new DirectCopy(connection, schema, sql);
    }

    /// Copies rows straight into the table; see [DirectCopy].
    ///
    /// @return false when they must be upserted
    public boolean insert(List<Row> rows) throws SQLException, TableStop {
        return direct.write(rows);
    }

    /// @throws TableStop when the target did not write all of them
    public void upsert(List<Row> rows) throws SQLException, TableStop {
        if (rows.isEmpty()) {
            return;
        }
        int written;
        if (rows.size() >= rowsForCopy) {
            copy(all(schema), rows);
            try (var statement = connection.createStatement()) {
                written = statement.executeUpdate(sql.upsertFromStaging());
            }
        } else {
            written =
                    update(
                            sql.upsertFromArrays(),
                            rows.size(),
                            all(schema),
                            i -> rows.get(i)::text);
        }
        // An existing row that has only key columns is not written again, so it is not reported.
        boolean complete =
                written == rows.size()
                        || sql.isKeyOnly()
                                && count(rows.size(), i -> rows.get(i)::text) == rows.size();
        if (!complete) {
            throw new TableStop(schema.table(), StopReason.notExecuted(schema.table(), "INSERT"));
        }
    }

    /// @throws TableStop when the target kept a row with one of the keys
    public void delete(List<RowKey> keys) throws SQLException, TableStop {
        if (keys.isEmpty()) {
            return;
        }
        IntFunction<IntFunction<@Nullable String>> cells = i -> keyCells(schema, keys.get(i));
        Written written = write(sql.deleteFromArrays(), keys.size(), schema.key(), cells);
        if (written.rewriters().mayKeepRows(written.rows(), keys.size())
                && count(keys.size(), cells) > 0) {
            throw new TableStop(schema.table(), StopReason.notExecuted(schema.table(), "DELETE"));
        }
    }

    /// @throws RowRefusal when the target has no row for one of them
    public void update(List<Row> partial) throws SQLException, RowRefusal, TableStop {
        Map<List<Integer>, List<Row>> byColumns = new HashMap<>();
        for (Row row : partial) {
            byColumns.computeIfAbsent(carried(row), _ -> new ArrayList<>()).add(row);
        }
        for (var group : byColumns.entrySet()) {
            if (update(group.getKey(), group.getValue()) != group.getValue().size()) {
                throw RowRefusal.of(schema.table(), StopReason.missingRow(schema.table()));
            }
        }
    }

    /// @return the number of rows that the target has
    private int update(List<Integer> carried, List<Row> rows) throws SQLException, TableStop {
        IntFunction<IntFunction<@Nullable String>> cells = i -> rows.get(i)::text;
        if (carried.isEmpty()) {
            return count(rows.size(), cells);
        }
        Written written =
                write(sql.updateFromArrays(carried), rows.size(), sql.with(carried), cells);
        if (written.rewriters().onUpdate()) {
            throw new TableStop(schema.table(), StopReason.notExecuted(schema.table(), "UPDATE"));
        }
        return written.rows();
    }

    /// Finds the column whose type does not accept a text of the rows, if the failure came from
    /// one. Tries each column separately, because PostgreSQL's error names none. Call it in a
    /// transaction that is rolled back afterwards.
    ///
    /// @param rows may have unchanged cells
    Optional<String> refusedColumn(List<Row> rows, SQLException failure) throws SQLException {
        stage();
        for (int column : all(schema)) {
            List<Row> carried = rows.stream().filter(row -> !row.isUnchanged(column)).toList();
            Savepoint before = connection.setSavepoint();
            try {
                copy(List.of(column), carried);
            } catch (SQLException e) {
                if (!Objects.equals(e.getSQLState(), failure.getSQLState())) {
                    throw e;
                }
                connection.rollback(before);
                String name = schema.columns().get(column);
                return Optional.of(
                        name
                                + TargetColumns.type(connection, schema.table(), name)
                                        .map(", type "::concat)
                                        .orElse(""));
            } finally {
                connection.rollback(before);
            }
        }
        return Optional.empty();
    }

    /// Checks deferred constraints now, while it is known which table they belong to.
    public void checkDeferred() throws SQLException {
        if (hasDeferredConstraint) {
            try (var statement = connection.createStatement()) {
                statement.execute("SET CONSTRAINTS ALL IMMEDIATE");
            }
        }
    }

    private int count(int rows, IntFunction<IntFunction<@Nullable String>> cells)
            throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(sql.countFromArrays())) {
            setArrays(statement, rows, schema.key(), cells);
            try (ResultSet row = statement.executeQuery()) {
                row.next();
                return row.getInt(1);
            }
        }
    }

    /// Executes the statement and reads in the same round trip what may have rewritten it.
    private Written write(
            String text,
            int rows,
            List<Integer> columns,
            IntFunction<IntFunction<@Nullable String>> cells)
            throws SQLException {
        try (PreparedStatement statement =
                connection.prepareStatement(text + "; " + Rewriters.QUERY)) {
            setArrays(statement, rows, columns, cells);
            statement.setString(columns.size() + 1, Identifier.quote(schema.table()));
            statement.execute();
            int written = statement.getUpdateCount();
            statement.getMoreResults();
            try (ResultSet row = statement.getResultSet()) {
                row.next();
                return new Written(written, Rewriters.read(row));
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
            setArrays(statement, rows, columns, cells);
            return statement.executeUpdate();
        }
    }

    /// Sets one `text[]` per column.
    static void setArrays(
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
            statement.setArray(c + 1, statement.getConnection().createArrayOf("text", texts));
        }
    }

    /// The key's text of each key column of the schema.
    static IntFunction<@Nullable String> keyCells(RowSchema schema, RowKey key) {
        return column -> key.value(schema.key().indexOf(column));
    }

    /// The columns of a partial row that have a value and do not belong to the key.
    static List<Integer> carried(Row row) {
        RowSchema schema = row.schema();
        return IntStream.range(0, schema.size())
                .filter(i -> !row.isUnchanged(i) && !schema.key().contains(i))
                .boxed()
                .toList();
    }

    private void copy(List<Integer> columns, List<Row> rows) throws SQLException {
        stage();
        if (filled) {
            try (var statement = connection.createStatement()) {
                statement.execute(sql.emptyStaging());
            }
        }
        filled = true;
        RowCopy.send(connection, sql.copyIntoStaging(columns), columns, rows);
    }

    /// The positions of all columns.
    static List<Integer> all(RowSchema schema) {
        return IntStream.range(0, schema.size()).boxed().toList();
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

    /// Drops the temporary table. Without this, a session would collect one for each failure.
    void close() throws SQLException {
        try (var statement = connection.createStatement()) {
            statement.execute(sql.dropStaging());
        }
        staged = false;
    }

    /// The transaction was rolled back to a savepoint, after which the temporary table may not
    /// exist.
    void rolledBack() {
        staged &= !stagedInTransaction;
    }

    /// The transaction has ended. The temporary table remains only if the transaction that created
    /// it committed.
    void ended(boolean committed) {
        staged &= committed || !stagedInTransaction;
        stagedInTransaction = false;
        filled = false;
    }
}
