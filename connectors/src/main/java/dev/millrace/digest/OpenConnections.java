package dev.millrace.digest;

import java.sql.Connection;
import java.sql.SQLException;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.postgresql.PGConnection;

/// The connections that are open now, so that another thread can cancel what runs on them.
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

    /// Breaks the connections, for a server that doesn't answer.
    void abort() {
        for (Connection connection : open) {
            try {
                connection.abort(Runnable::run);
            } catch (SQLException _) {
                continue;
            }
        }
    }

    /// A connection that runs nothing, or that ends at this moment, has nothing to cancel.
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
