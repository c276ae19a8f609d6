package dev.millrace.apply.rows;

import dev.millrace.apply.refusal.RowRefusal;
import dev.millrace.apply.refusal.StopReason;
import dev.millrace.apply.refusal.TableStop;
import dev.millrace.apply.sql.PartSql;
import dev.millrace.change.Row;
import dev.millrace.change.RowKey;
import dev.millrace.change.RowSchema;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.IntFunction;
import org.jspecify.annotations.Nullable;

/// Writes one part of the rows of a table through one session, in the caller's transaction; see
/// [PartSql]. Not thread-safe; confined to the session's thread.
final class PartWriter {

    private final Connection connection;
    private final RowSchema schema;
    private final PartSql sql;

    PartWriter(Connection connection, RowSchema schema, PartSql sql) {
        this.connection = connection;
        this.schema = schema;
        this.sql = sql;
    }

    /// Removes this part of rows. Call it for all parts of a batch before [#upsert] of any: then a
    /// row that is replaced as a whole is another row.
    void delete(List<RowKey> keys) throws SQLException {
        if (!keys.isEmpty()) {
            execute(
                    sql.delete(),
                    keys.size(),
                    schema.key(),
                    i -> TableWriter.keyCells(schema, keys.get(i)));
        }
    }

    /// Removes this part of all rows.
    void empty() throws SQLException {
        execute(sql.deleteAll(), 0, List.of(), _ -> _ -> null);
    }

    /// @throws TableStop when the server did not write all of them
    void upsert(List<Row> rows) throws SQLException, TableStop {
        if (rows.isEmpty()) {
            return;
        }
        IntFunction<IntFunction<@Nullable String>> cells = i -> rows.get(i)::text;
        execute(sql.upsert(), rows.size(), TableWriter.all(schema), cells);
        execute(sql.complete(), rows.size(), schema.key(), cells);
        if (count(rows) != rows.size()) {
            throw new TableStop(schema.table(), StopReason.notExecuted(schema.table(), "INSERT"));
        }
    }

    /// @param partial rows with unchanged cells
    /// @throws RowRefusal when there is no row for one of them
    void update(List<Row> partial) throws SQLException, RowRefusal {
        Map<List<Integer>, List<Row>> byColumns = new HashMap<>();
        for (Row row : partial) {
            byColumns.computeIfAbsent(TableWriter.carried(row), _ -> new ArrayList<>()).add(row);
        }
        for (var group : byColumns.entrySet()) {
            List<Row> rows = group.getValue();
            if (!group.getKey().isEmpty()) {
                execute(
                        sql.update(group.getKey()),
                        rows.size(),
                        sql.with(group.getKey()),
                        i -> rows.get(i)::text);
            }
            if (count(rows) != rows.size()) {
                throw RowRefusal.of(schema.table(), StopReason.missingRow(schema.table()));
            }
        }
    }

    private void execute(
            List<String> statements,
            int rows,
            List<Integer> columns,
            IntFunction<IntFunction<@Nullable String>> cells)
            throws SQLException {
        for (String text : statements) {
            try (PreparedStatement statement = connection.prepareStatement(text)) {
                TableWriter.setArrays(statement, rows, columns, cells);
                statement.execute();
            }
        }
    }

    private int count(List<Row> rows) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(sql.count())) {
            TableWriter.setArrays(statement, rows.size(), schema.key(), i -> rows.get(i)::text);
            try (ResultSet row = statement.executeQuery()) {
                row.next();
                return row.getInt(1);
            }
        }
    }
}
