package dev.millrace.target;

import dev.millrace.streams.Topics;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.OptionalInt;

/// The session that holds a partition's stored offset locked. A process that was frozen in the
/// middle of its transaction keeps that lock for as long as it is frozen; its backend can be ended
/// from outside, and its rows then never were.
final class OffsetLockHolder {

    /// The locked row's xmax is the locker's transaction, which holds a lock on its own number.
    private static final String TERMINATE =
            """
            SELECT l.pid, pg_terminate_backend(l.pid)
            FROM millrace.stored_offset o
            JOIN pg_locks l ON l.locktype = 'transactionid' AND l.transactionid = o.xmax
                AND l.granted AND l.mode = 'ExclusiveLock'
            JOIN pg_stat_activity a ON a.pid = l.pid AND a.usename = current_user
            WHERE o.migration = ? AND o.topic = ? AND o.partition = ? AND l.pid <> pg_backend_pid()
            """;

    private OffsetLockHolder() {}

    /// Ends the holder if it is a session of our own role.
    ///
    /// @return its process id
    static OptionalInt terminate(Connection connection, String migration, int partition)
            throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(TERMINATE)) {
            statement.setString(1, migration);
            statement.setString(2, new Topics(migration).target());
            statement.setInt(3, partition);
            try (ResultSet row = statement.executeQuery()) {
                return row.next() && row.getBoolean(2)
                        ? OptionalInt.of(row.getInt(1))
                        : OptionalInt.empty();
            }
        }
    }
}
