package dev.millrace.target;

import java.sql.Connection;
import java.sql.SQLException;

/// Whether a session may apply with `session_replication_role=replica`, so that the target's
/// foreign keys and ordinary triggers don't act on rows that are copies of what they have already
/// acted on. Where it may not, a target with foreign keys or row triggers can't be written exactly.
public enum ReplicaRole {
    REPLICA,
    ORIGIN;

    private static final String INSUFFICIENT_PRIVILEGE = "42501";

    /// Takes the role for the session if it may; the connection must be in autocommit.
    public static ReplicaRole take(Connection connection) throws SQLException {
        try (var statement = connection.createStatement()) {
            statement.execute("SET session_replication_role = replica");
            return REPLICA;
        } catch (SQLException e) {
            if (INSUFFICIENT_PRIVILEGE.equals(e.getSQLState())) {
                return ORIGIN;
            }
            throw e;
        }
    }
}
