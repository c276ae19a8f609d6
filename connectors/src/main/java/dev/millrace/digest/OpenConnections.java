package dev.millrace.digest;

import java.sql.Connection;
import java.sql.SQLException;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.postgresql.PGConnection;

/// The open connections of a [Chunker], so that another thread can cancel their statements.
/// Thread-safe.
final class OpenConnections {

    private final Set<Connection> open = ConcurrentHashMap.newKeySet();

    Connection open(Sessions sessions) throws SQLException {
        Connection connection = sessions.open();
        open.add(connection);
        return connection;
    }

    void close(Connection connection) throws SQLException {
        open.remove(connection);
        connection.close();
    }

    /// Closes the connections without waiting for a server that may not answer.
    void abort() {
        for (Connection connection : open) {
            try {
                connection.abort(Runnable::run);
            } catch (SQLException _) {
                continue;
            }
        }
    }

    /// Cancels the running statements. A connection that runs none, or that is being closed, is
    /// left as it is.
    void cancelStatements() {
        for (Connection connection : open) {
            try {
                connection.unwrap(PGConnection.class).cancelQuery();
            } catch (SQLException _) {
                continue;
            }
        }
    }
}
