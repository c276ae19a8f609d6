package dev.millrace.apply;

import dev.millrace.apply.connection.SessionWatch;
import dev.millrace.apply.origin.ReplicaRole;
import dev.millrace.apply.origin.SessionOrigin;
import dev.millrace.control.SessionSource.TargetSessions;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;

/// One session of a writer. The opener pins its settings. Transactions are READ COMMITTED, so that
/// a statement that waited for a lock sees what the lock's holder committed. Not thread-safe,
/// except [#abort].
final class TargetSession implements AutoCloseable {

    private final Connection connection;
    private final ReplicaRole role;
    private final SessionOrigin origin;
    private final SessionWatch watch;

    private TargetSession(
            Connection connection, ReplicaRole role, SessionOrigin origin, SessionWatch watch) {
        this.connection = connection;
        this.role = role;
        this.origin = origin;
        this.watch = watch;
    }

    /// @param failures how many sessions before this one have failed in a row
    static TargetSession open(
            TargetSessions sessions,
            ApplierSettings.Limits limits,
            int failures,
            SessionOrigin.Setup origins)
            throws SQLException {
        Connection connection = sessions.open();
        try {
            connection.setNetworkTimeout(
                    Runnable::run, Math.toIntExact(limits.silence().toMillis()));
            connection.setAutoCommit(true);
            try (Statement statement = connection.createStatement()) {
                statement.execute("SET lock_timeout = '" + limits.lockTimeout().toMillis() + "ms'");
            }
            ReplicaRole role = ReplicaRole.take(connection);
            SessionOrigin origin = origins.of(connection);
            SessionWatch watch =
                    SessionWatch.start(sessions::open, connection, limits.watch(), failures);
            try {
                connection.setAutoCommit(false);
            } catch (SQLException e) {
                watch.close();
                throw e;
            }
            return new TargetSession(connection, role, origin, watch);
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

    /// The calling thread uses the session until it closes the task.
    SessionWatch.Task begin() {
        return watch.begin();
    }

    /// Closes the connection from another thread: the current statement fails.
    void abort() {
        watch.close();
        try {
            connection.abort(Runnable::run);
        } catch (SQLException _) {
            // The connection is closed already.
        }
    }

    @Override
    public void close() {
        watch.close();
        try {
            connection.close();
        } catch (SQLException _) {
            // The server ends the session itself and rolls back an open transaction.
        }
    }
}
