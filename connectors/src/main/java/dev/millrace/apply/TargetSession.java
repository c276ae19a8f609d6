package dev.millrace.apply;

import dev.millrace.control.SessionSource.TargetSessions;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;

/// One session of a writer. Its settings are pinned by the opener. Transactions are READ COMMITTED,
/// so that a statement that waited for a lock sees what the lock's holder left.
final class TargetSession implements AutoCloseable {

    private final Connection connection;
    private final ReplicaRole role;

    private TargetSession(Connection connection, ReplicaRole role) {
        this.connection = connection;
        this.role = role;
    }

    /// @param silence how long the server may be silent before the session counts as broken
    static TargetSession open(TargetSessions sessions, Duration lockTimeout, Duration silence)
            throws SQLException {
        Connection connection = sessions.open();
        try {
            connection.setNetworkTimeout(Runnable::run, Math.toIntExact(silence.toMillis()));
            connection.setAutoCommit(true);
            try (Statement statement = connection.createStatement()) {
                statement.execute("SET lock_timeout = '" + lockTimeout.toMillis() + "ms'");
            }
            ReplicaRole role = ReplicaRole.take(connection);
            connection.setAutoCommit(false);
            return new TargetSession(connection, role);
        } catch (SQLException | RuntimeException e) {
            connection.close();
            throw e;
        }
    }

    Connection connection() {
        return connection;
    }

    ReplicaRole role() {
        return role;
    }

    void abort() {
        try {
            connection.abort(Runnable::run);
        } catch (SQLException _) {
            // It was closed.
        }
    }

    @Override
    public void close() {
        try {
            connection.close();
        } catch (SQLException _) {
            // The server ends it when it notices; an open transaction is lost, as it should be.
        }
    }
}
