package dev.millrace.digest;

import dev.millrace.postgres.RunningTransactions;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Savepoint;

/// One read-only REPEATABLE READ transaction on one side. It can be used again after a read that
/// failed. Not thread-safe.
final class SnapshotSession implements AutoCloseable {

    private final String side;
    private final Sessions sessions;
    private final OpenConnections connections;
    private final Connection connection;
    private final Savepoint pinned;

    private SnapshotSession(
            String side,
            Sessions sessions,
            OpenConnections connections,
            Connection connection,
            Savepoint pinned) {
        this.side = side;
        this.sessions = sessions;
        this.connections = connections;
        this.connection = connection;
        this.pinned = pinned;
    }

    static SnapshotSession open(String side, Sessions sessions, OpenConnections connections) {
        try {
            Connection connection = connections.open(sessions);
            try {
                return new SnapshotSession(
                        side, sessions, connections, connection, begin(connection));
            } catch (SQLException | RuntimeException e) {
                connections.close(sessions, connection);
                throw e;
            }
        } catch (SQLException e) {
            throw new ReadFailed(side, e);
        }
    }

    private static Savepoint begin(Connection connection) throws SQLException {
        connection.setTransactionIsolation(Connection.TRANSACTION_REPEATABLE_READ);
        connection.setReadOnly(true);
        connection.setAutoCommit(false);
        try (var statement = connection.createStatement()) {
            // The first statement takes the snapshot, and callers rely on its being taken now.
            statement.execute("SELECT 1");
        }
        return connection.setSavepoint();
    }

    RunningTransactions running() {
        return read(RunningTransactions::read);
    }

    interface Read<T> {
        T from(Connection connection) throws SQLException;
    }

    <T> T read(Read<T> read) {
        try {
            return read.from(connection);
        } catch (SQLException e) {
            rollbackToSnapshot(e);
            throw new ReadFailed(side, e);
        }
    }

    /// Releases the locks on the tables that were read. The snapshot remains.
    void releaseLocks() {
        read(
                open -> {
                    open.rollback(pinned);
                    return true;
                });
    }

    private void rollbackToSnapshot(SQLException failure) {
        try {
            connection.rollback(pinned);
        } catch (SQLException e) {
            // The connection is broken: the next read reports it.
            failure.addSuppressed(e);
        }
    }

    @Override
    public void close() {
        try {
            connection.rollback();
            connections.close(sessions, connection);
        } catch (SQLException e) {
            throw new ReadFailed(side, e);
        }
    }
}
