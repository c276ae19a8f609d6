package dev.millrace.control;

import dev.millrace.postgres.Database;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.Optional;

/// What the statistics of the source counted at the switchover, in `millrace.source_use`. Each call
/// uses its own pooled connection. Thread-safe.
///
/// @param control the database that contains the control schema of the reverse stream
public record SourceUseStore(Database control, String migration) {

    private static final String READ =
            "SELECT statistics::text FROM millrace.source_use WHERE migration = ?";

    /// Those that were stored first say what was used since the switchover.
    private static final String KEEP =
            "INSERT INTO millrace.source_use (migration, statistics) VALUES (?, ?::jsonb) ON CONFLICT DO NOTHING";

    private static final String FORGET = "DELETE FROM millrace.source_use WHERE migration = ?";

    /// As JSON; empty if the statistics could not be read at the switchover.
    public Optional<String> read() throws SQLException {
        try (Connection connection = control.pooled()) {
            return Statements.first(connection, READ, row -> row.getString(1), migration);
        }
    }

    /// Keeps the statistics unless there are some.
    ///
    /// @param statistics JSON
    public void keep(String statistics) throws SQLException {
        try (Connection connection = control.pooled()) {
            Statements.update(connection, KEEP, migration, statistics);
        }
    }

    /// Removes them. Does nothing if there are none.
    public void forget() throws SQLException {
        try (Connection connection = control.pooled()) {
            Statements.update(connection, FORGET, migration);
        }
    }
}
