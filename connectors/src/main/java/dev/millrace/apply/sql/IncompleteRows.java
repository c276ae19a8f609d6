package dev.millrace.apply.sql;

import dev.millrace.apply.sql.TableRule.PartOfRow;
import dev.millrace.change.TableId;
import dev.millrace.postgres.Database;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// The tables of incomplete rows of a stream; see [PartOfRow]. They are in the control schema, so
/// that a part that waits commits together with the offset that covers it. Thread-safe.
public final class IncompleteRows {

    private final Database database;
    private final Map<TableId, PartOfRow> parts = new LinkedHashMap<>();

    /// @param database that the stream writes to
    /// @param rules of its tables
    public IncompleteRows(Database database, Map<TableId, TableRule> rules) {
        this.database = database;
        rules.forEach(
                (table, rule) -> rule.part().ifPresent(part -> parts.put(table.whole(), part)));
    }

    /// Creates each table empty. Requires that no stream writes, and that every row is complete.
    public void create() throws SQLException {
        List<String> statements = new ArrayList<>();
        parts.forEach(
                (table, part) ->
                        statements.addAll(
                                PartSql.create(
                                        table,
                                        part.incomplete(),
                                        part.columns().stored(),
                                        part.key())));
        execute(statements);
    }

    /// Drops each table that exists.
    public void drop() throws SQLException {
        execute(parts.values().stream().map(part -> PartSql.drop(part.incomplete())).toList());
    }

    private void execute(List<String> statements) throws SQLException {
        if (statements.isEmpty()) {
            return;
        }
        try (Connection connection = database.connect("control");
                Statement statement = connection.createStatement()) {
            connection.setAutoCommit(false);
            for (String each : statements) {
                statement.execute(each);
            }
            connection.commit();
        }
    }
}
