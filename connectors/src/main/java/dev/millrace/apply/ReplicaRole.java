package dev.millrace.apply;

import dev.millrace.postgres.Identifier;
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

    /// @param relied the role that preflight found; under [#ORIGIN] it relied on nothing
    /// @param connection the session that took this role
    /// @throws SQLException when triggers would act on copied rows that preflight took for silent
    public void require(ReplicaRole relied, Connection connection) throws SQLException {
        if (this == REPLICA || relied == ORIGIN) {
            return;
        }
        try (var statement = connection.createStatement();
                var row = statement.executeQuery("SELECT current_user")) {
            row.next();
            throw new SQLException(
                    "role "
                            + row.getString(1)
                            + " may no longer set session_replication_role, which plan relied on:"
                            + " triggers, rules and foreign keys of the target would act on copied"
                            + " rows. Run GRANT SET ON PARAMETER session_replication_role TO "
                            + Identifier.quote(row.getString(1))
                            + ";",
                    INSUFFICIENT_PRIVILEGE);
        }
    }
}
