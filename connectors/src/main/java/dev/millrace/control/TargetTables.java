package dev.millrace.control;

import dev.millrace.change.TableId;
import dev.millrace.postgres.Identifier;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Savepoint;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;

/// Records in `millrace.target_table` which target tables were empty when the migration began, and
/// empties only those. Uses the caller's connection and transaction. Thread-safe.
final class TargetTables {

    private static final String NOTE =
            """
            INSERT INTO millrace.target_table (migration, target, empty_at_start, table_oid)
            VALUES (?, ?, ?, to_regclass(?))
            ON CONFLICT (migration, target) DO UPDATE SET table_oid = excluded.table_oid
            """;

    private static final String EMPTY_AT_START =
            "SELECT empty_at_start FROM millrace.target_table WHERE migration = ? AND target = ?";

    private final String migration;

    TargetTables(String migration) {
        this.migration = migration;
    }

    /// Records which of the tables are empty now, and which tables these are. That a table was
    /// empty when it was first recorded stays as it is.
    void note(Connection connection, List<TableId> targets) throws SQLException {
        for (TableId target : targets) {
            Statements.update(
                    connection,
                    NOTE,
                    migration,
                    Identifier.quote(target),
                    isEmpty(connection, target),
                    Identifier.quote(target));
        }
    }

    /// Deletes all rows of the tables.
    ///
    /// @return why that is not possible and what to do; empty when the tables are empty
    Optional<String> empty(Connection connection, List<TableId> targets) throws SQLException {
        if (targets.isEmpty()) {
            return Optional.empty();
        }
        List<TableId> protectedTables = new ArrayList<>();
        for (TableId target : targets) {
            if (!wasEmptyAtStart(connection, target) && !isEmpty(connection, target)) {
                protectedTables.add(target);
            }
        }
        if (!protectedTables.isEmpty()) {
            return Optional.of(
                    "%s contained rows before the migration began, so Millrace does not empty them. Empty these tables and start Millrace again."
                            .formatted(protectedTables));
        }
        Savepoint before = connection.setSavepoint();
        try {
            truncate(connection, targets);
            return Optional.empty();
        } catch (SQLException _) {
            // No privilege, a foreign key of another table, or a reader that does not end.
            connection.rollback(before);
            return delete(connection, targets);
        }
    }

    private static void truncate(Connection connection, List<TableId> targets) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            // TRUNCATE locks out the readers of the target, so it must not wait for long.
            statement.execute("SET LOCAL lock_timeout = '5s'");
            statement.execute(
                    "TRUNCATE TABLE "
                            + targets.stream()
                                    .map(Identifier::quote)
                                    .collect(Collectors.joining(", ")));
        }
    }

    private static Optional<String> delete(Connection connection, List<TableId> targets)
            throws SQLException {
        for (TableId target : targets) {
            Statements.update(connection, "DELETE FROM " + Identifier.quote(target));
            if (!isEmpty(connection, target)) {
                return Optional.of(
                        "a rule or trigger of %s prevents the deletion of its rows. Disable it and start Millrace again."
                                .formatted(target));
            }
        }
        return Optional.empty();
    }

    private boolean wasEmptyAtStart(Connection connection, TableId target) throws SQLException {
        return Statements.first(
                        connection,
                        EMPTY_AT_START,
                        row -> row.getBoolean(1),
                        migration,
                        Identifier.quote(target))
                .orElse(false);
    }

    private static boolean isEmpty(Connection connection, TableId target) throws SQLException {
        return Statements.one(
                connection,
                "SELECT NOT EXISTS (SELECT FROM " + Identifier.quote(target) + ")",
                row -> row.getBoolean(1));
    }
}
