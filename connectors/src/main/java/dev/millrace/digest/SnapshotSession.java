package dev.millrace.digest;

import dev.millrace.postgres.RunningTransactions;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Savepoint;

/// One REPEATABLE READ, read-only transaction on one side. A read that fails leaves it usable for
/// the next one. Not thread-safe.
final class SnapshotSession implements AutoCloseable {

    private final String side;
    private final OpenConnections connections;
    private final Connection connection;
    private final Savepoint pinned;

    private SnapshotSession(
            String side, OpenConnections connections, Connection connection, Savepoint pinned) {
        this.side = side;
        this.connections = connections;
        this.connection = connection;
        this.pinned = pinned;
    }

    static SnapshotSession open(String side, Sessions sessions, OpenConnections connections) {
        try {
            Connection connection = connections.open(sessions);
            try {
                return new SnapshotSession(side, connections, connection, begin(connection));
            } catch (SQLException | RuntimeException e) {
                connections.close(connection);
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
            // The first statement takes the snapshot: the caller relies on its being taken now.
            statement.execute("SELECT 1");
        }
        return connection.setSavepoint();
    }

    RunningTransactions running() {
        return ask(RunningTransactions::read);
    }

    interface Question<T> {
        T of(Connection connection) throws SQLException;
    }

    <T> T ask(Question<T> question) {
        try {
            return question.of(connection);
        } catch (SQLException e) {
            goBack(e);
            throw new ReadFailed(side, e);
        }
    }

    private void goBack(SQLException failure) {
        try {
            connection.rollback(pinned);
        } catch (SQLException e) {
            // The connection is gone: the next question says so.
            failure.addSuppressed(e);
        }
    }

    @Override
    public void close() {
        try {
            connection.rollback();
            connections.close(connection);
        } catch (SQLException e) {
            throw new ReadFailed(side, e);
        }
    }
}
