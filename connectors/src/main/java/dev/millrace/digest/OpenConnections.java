package dev.millrace.digest;

import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;
import org.postgresql.PGConnection;

/// The connections of a [Chunker]: those in use, so that another thread can cancel their
/// statements, and those that wait to be used again. Thread-safe.
final class OpenConnections {

    /// A kept connection answers within this time, or it is replaced.
    private static final int ANSWER_SECONDS = 2;

    private final Set<Connection> open = ConcurrentHashMap.newKeySet();
    private final Map<Sessions, Deque<Connection>> kept = new HashMap<>();

    /// How many callers want connections to be kept.
    private int keepers;

    Connection open(Sessions sessions) throws SQLException {
        Connection known = take(sessions);
        Connection connection = known == null ? sessions.open() : known;
        open.add(connection);
        return connection;
    }

    private @Nullable Connection take(Sessions sessions) throws SQLException {
        while (poll(sessions) instanceof Connection connection) {
            if (connection.isValid(ANSWER_SECONDS)) {
                return connection;
            }
            connection.close();
        }
        return null;
    }

    private synchronized @Nullable Connection poll(Sessions sessions) {
        Deque<Connection> waiting = kept.get(sessions);
        return waiting == null ? null : waiting.poll();
    }

    /// @param sessions where it was opened
    void close(Sessions sessions, Connection connection) throws SQLException {
        open.remove(connection);
        if (keeps() && !connection.isClosed()) {
            connection.setAutoCommit(true);
            if (keep(sessions, connection)) {
                return;
            }
        }
        connection.close();
    }

    private synchronized boolean keeps() {
        return keepers > 0;
    }

    private synchronized boolean keep(Sessions sessions, Connection connection) {
        if (keepers > 0) {
            kept.computeIfAbsent(sessions, _ -> new ArrayDeque<>()).push(connection);
        }
        return keepers > 0;
    }

    /// From now on, connections wait to be used again, until each caller has released them.
    synchronized void keep() {
        keepers++;
    }

    synchronized void release() {
        if (keepers <= 1) {
            releaseAll();
        } else {
            keepers--;
        }
    }

    /// Closes the connections that are kept. Those that are released later are closed too.
    private synchronized void releaseAll() {
        keepers = 0;
        for (Deque<Connection> waiting : kept.values()) {
            while (waiting.poll() instanceof Connection connection) {
                try {
                    connection.close();
                } catch (SQLException _) {
                    continue;
                }
            }
        }
    }

    /// Closes the connections in use without waiting for a server that may not answer.
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
    /// left as it is. None is used again: a late cancellation would meet its next statement.
    void cancelStatements() {
        releaseAll();
        for (Connection connection : open) {
            try {
                connection.unwrap(PGConnection.class).cancelQuery();
            } catch (SQLException _) {
                continue;
            }
        }
    }
}
