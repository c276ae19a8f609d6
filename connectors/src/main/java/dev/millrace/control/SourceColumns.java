package dev.millrace.control;

import dev.millrace.postgres.Identifier;
import dev.millrace.sql.Relation;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/// Records in `millrace.source_columns` which columns each source table had when the migration
/// began: a `*` expands to these columns until the migration ends. Uses the caller's connection and
/// transaction. Thread-safe.
final class SourceColumns {

    private static final String NOTE =
            """
            INSERT INTO millrace.source_columns (migration, source, columns) VALUES (?, ?, ?)
            ON CONFLICT DO NOTHING
            """;

    private static final String READ =
            "SELECT source, columns FROM millrace.source_columns WHERE migration = ?";

    private final String migration;

    SourceColumns(String migration) {
        this.migration = migration;
    }

    /// Records the columns that the tables have now. A table that is recorded already stays as it
    /// is.
    void note(Connection connection, List<Relation> sources) throws SQLException {
        for (Relation source : sources) {
            Statements.update(
                    connection,
                    NOTE,
                    migration,
                    Identifier.quote(source.id()),
                    source.columns().stream().map(Relation.Column::name).toArray(String[]::new));
        }
    }

    /// The columns of each table, by its quoted name.
    Map<String, Set<String>> read(Connection connection) throws SQLException {
        Map<String, Set<String>> columns = new HashMap<>();
        Statements.list(
                        connection,
                        READ,
                        row ->
                                Map.entry(
                                        row.getString(1),
                                        Set.of((String[]) row.getArray(2).getArray())),
                        migration)
                .forEach(entry -> columns.put(entry.getKey(), entry.getValue()));
        return columns;
    }
}
