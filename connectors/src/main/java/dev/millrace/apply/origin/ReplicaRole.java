package dev.millrace.apply.origin;

import dev.millrace.control.GenerationStore.SessionSetup;
import dev.millrace.postgres.Identifier;
import dev.millrace.postgres.SqlState;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.Optional;

/// Whether a session of the target may set `session_replication_role = replica`. Under it, the
/// target's foreign keys and ordinary triggers do not fire for rows that are copies of rows for
/// which they fired on the source. Without it, a target with foreign keys or row triggers cannot be
/// written exactly.
public enum ReplicaRole {
    REPLICA,
    ORIGIN;

    /// Sets the role for the session if that is permitted; the connection must be in autocommit.
    public static ReplicaRole take(Connection connection) throws SQLException {
        try (var statement = connection.createStatement()) {
            statement.execute("SET session_replication_role = replica");
            return REPLICA;
        } catch (SQLException e) {
            if (SqlState.INSUFFICIENT_PRIVILEGE.matches(e)) {
                return ORIGIN;
            }
            throw e;
        }
    }

    /// Takes the role for a session that empties target tables, and refuses when preflight relied
    /// on a role that the session may not set.
    ///
    /// @param expected the role that preflight found
    public static SessionSetup required(ReplicaRole expected) {
        return connection -> take(connection).refusal(expected, connection);
    }

    /// @param expected the role that preflight found; under [#ORIGIN] it relied on nothing
    /// @param connection the session that took this role
    /// @throws SQLException when triggers would fire for copied rows although preflight relied on
    ///   their not firing
    public void require(ReplicaRole expected, Connection connection) throws SQLException {
        Optional<String> refusal = refusal(expected, connection);
        if (refusal.isPresent()) {
            throw new SQLException(refusal.get(), SqlState.INSUFFICIENT_PRIVILEGE.code());
        }
    }

    private Optional<String> refusal(ReplicaRole expected, Connection connection)
            throws SQLException {
        if (this == REPLICA || expected == ORIGIN) {
            return Optional.empty();
        }
        try (var statement = connection.createStatement();
                var row = statement.executeQuery("SELECT current_user")) {
            row.next();
            String role = Identifier.quote(row.getString(1));
            return Optional.of(
                    "Role %s can no longer set session_replication_role, so triggers, rules and foreign keys of the target would act on copied rows. Run: GRANT SET ON PARAMETER session_replication_role TO %s"
                            .formatted(role, role));
        }
    }
}
