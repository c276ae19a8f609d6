package dev.millrace.apply.rows;

import dev.millrace.apply.refusal.TableStop;
import dev.millrace.apply.sql.TableRule;
import dev.millrace.apply.sql.TableSql;
import dev.millrace.change.Row;
import dev.millrace.change.RowKey;
import dev.millrace.change.RowSchema;
import dev.millrace.change.TableId;
import dev.millrace.postgres.Identifier;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.IntFunction;
import org.jspecify.annotations.Nullable;

/// Changes rows outside of their table: takes them out, changes them in a temporary table, and puts
/// them back. So rows can swap the values of a unique column, which no statement can do in place.
/// Columns that no change contains keep their values. In the caller's transaction, at whose end the
/// temporary table is dropped. Not thread-safe.
final class MovedRows {

    private static final String TEMPORARY = "pg_temp";

    /// The name for a table that does not exist, which its first use reports.
    private static final String MISSING = "millrace_moved";

    /// The object id of the table tells the temporary tables of a transaction apart.
    private static final String FIND =
            """
            SELECT moved, pg_catalog.to_regclass('pg_temp.' || moved) IS NOT NULL
            FROM (SELECT 'millrace_moved_' || pg_catalog.to_regclass(?)::oid) t (moved)
            """;

    /// The server computes generated columns again.
    private static final String COLUMNS =
            """
            SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum)
            FROM pg_catalog.pg_attribute
            WHERE attrelid = pg_catalog.to_regclass(?) AND attnum > 0
                AND NOT attisdropped AND attgenerated = ''
            """;

    private final Connection connection;
    private final TableRule rule;
    private final String table;
    private String name = "";

    MovedRows(Connection connection, TableId table, TableRule rule) {
        this.connection = connection;
        this.rule = rule;
        this.table = Identifier.quote(table);
    }

    /// Creates the temporary table, if this transaction has not. Call it outside of the savepoint
    /// of an attempt: to create the table for each one would write to the catalog each time.
    void prepare(RowSchema key) throws SQLException {
        if (exists()) {
            return;
        }
        execute(
                "CREATE TEMPORARY TABLE "
                        + name
                        + " ON COMMIT DROP AS SELECT * FROM "
                        + table
                        + " WITH NO DATA");
        execute(
                "ALTER TABLE "
                        + name
                        + " ADD PRIMARY KEY ("
                        + String.join(
                                ", ", key.keyColumns().stream().map(Identifier::quote).toList())
                        + ")");
    }

    private boolean exists() throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(FIND)) {
            statement.setString(1, table);
            try (ResultSet row = statement.executeQuery()) {
                row.next();
                name = Objects.requireNonNullElse(row.getString(1), MISSING);
                return row.getBoolean(2);
            }
        }
    }

    /// Changes the rows that exist and puts them back. A row that a change inserts remains to be
    /// written.
    ///
    /// @param steps changes of one table, in their order
    void change(List<TableChanges> steps) throws SQLException, TableStop {
        if (steps.isEmpty()) {
            return;
        }
        RowSchema key = steps.getFirst().keySchema();
        prepare(key);
        for (TableChanges step : steps) {
            takeOut(key, step.keys());
        }
        for (TableChanges step : steps) {
            change(step);
        }
        String columns = columns();
        execute(
                "INSERT INTO "
                        + table
                        + " ("
                        + columns
                        + ") OVERRIDING SYSTEM VALUE SELECT "
                        + columns
                        + " FROM "
                        + name);
        execute("DELETE FROM " + name);
    }

    private void takeOut(RowSchema key, List<RowKey> keys) throws SQLException, TableStop {
        TableSql sql = new TableSql(key, TargetColumns.read(connection, key), Map.of(), name);
        execute(
                "WITH gone AS ("
                        + sql.deleteFromArrays()
                        + " RETURNING t.*) INSERT INTO "
                        + name
                        + " SELECT * FROM gone",
                keys.size(),
                key.key(),
                i -> TableWriter.keyCells(key, keys.get(i)));
    }

    private void change(TableChanges step) throws SQLException, TableStop {
        RowSchema key = step.keySchema();
        List<RowKey> deletes = step.deletes();
        if (!deletes.isEmpty()) {
            execute(
                    sql(key).deleteFromArrays(),
                    deletes.size(),
                    key.key(),
                    i -> TableWriter.keyCells(key, deletes.get(i)));
        }
        Map<List<Integer>, List<Row>> byColumns = new LinkedHashMap<>();
        List<Row> rows = new ArrayList<>(step.upserts());
        rows.addAll(step.updates());
        for (Row row : rows) {
            byColumns.computeIfAbsent(TableWriter.carried(row), _ -> new ArrayList<>()).add(row);
        }
        for (Map.Entry<List<Integer>, List<Row>> group : byColumns.entrySet()) {
            List<Row> same = group.getValue();
            if (!group.getKey().isEmpty()) {
                TableSql sql = sql(same.getFirst().schema());
                execute(
                        sql.updateFromArrays(group.getKey()),
                        same.size(),
                        sql.with(group.getKey()),
                        i -> same.get(i)::text);
            }
        }
    }

    /// Writes to the temporary table as to the table.
    private TableSql sql(RowSchema schema) throws SQLException, TableStop {
        RowSchema moved =
                RowSchema.keyed(
                        new TableId(TEMPORARY, name), schema.columns(), schema.keyColumns());
        return new TableSql(moved, TargetColumns.read(connection, schema), rule.kept(), name);
    }

    private String columns() throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(COLUMNS)) {
            statement.setString(1, table);
            try (ResultSet row = statement.executeQuery()) {
                row.next();
                return row.getString(1);
            }
        }
    }

    private void execute(String sql) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }

    private void execute(
            String sql,
            int rows,
            List<Integer> columns,
            IntFunction<IntFunction<@Nullable String>> cells)
            throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(sql)) {
            TableWriter.setArrays(statement, rows, columns, cells);
            statement.execute();
        }
    }
}
