package dev.millrace.apply;

import dev.millrace.apply.origin.SessionOrigin;
import dev.millrace.control.SessionSource.TargetSessions;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;

/// One session of a writer. The opener pins its settings. Transactions are READ COMMITTED, so that
/// a statement that waited for a lock sees what the lock's holder committed. Not thread-safe,
/// except [#abort].
final class TargetSession implements AutoCloseable {

    private final Connection connection;
    private final ReplicaRole role;
    private final SessionOrigin origin;

    private TargetSession(Connection connection, ReplicaRole role, SessionOrigin origin) {
        this.connection = connection;
        this.role = role;
        this.origin = origin;
    }

    /// @param silence how long the server may be silent before the session counts as broken
    static TargetSession open(
            TargetSessions sessions,
            Duration lockTimeout,
            Duration silence,
            SessionOrigin.Setup origins)
            throws SQLException {
        Connection connection = sessions.open();
        try {
            connection.setNetworkTimeout(Runnable::run, Math.toIntExact(silence.toMillis()));
            connection.setAutoCommit(true);
            try (Statement statement = connection.createStatement()) {
                statement.execute("SET lock_timeout = '" + lockTimeout.toMillis() + "ms'");
            }
            ReplicaRole role = ReplicaRole.take(connection);
            SessionOrigin origin = origins.of(connection);
            connection.setAutoCommit(false);
            return new TargetSession(connection, role, origin);
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

    SessionOrigin origin() {
        return origin;
    }

    /// Closes the connection from another thread: the current statement fails.
    void abort() {
        try {
            connection.abort(Runnable::run);
        } catch (SQLException _) {
            // The connection is closed already.
        }
    }

    @Override
    public void close() {
        try {
            connection.close();
        } catch (SQLException _) {
            // The server ends the session itself and rolls back an open transaction.
        }
    }
}
