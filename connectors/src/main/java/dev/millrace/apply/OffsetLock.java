package dev.millrace.apply;

import dev.millrace.change.Topics;
import dev.millrace.control.StoredOffset;
import dev.millrace.control.StoredOffsets;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.Optional;
import java.util.OptionalInt;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Takes a partition's stored offset for the length of a transaction, before anything is written.
/// Whoever holds it knows whether an earlier attempt committed, and nobody else can commit past it.
/// For the session's thread.
final class OffsetLock {

    @FunctionalInterface
    private interface Statement<T> {
        T run() throws SQLException;
    }

    private static final Logger LOG = LoggerFactory.getLogger(OffsetLock.class);
    private static final String LOCK_TIMEOUT = "55P03";

    private final Connection connection;
    private final String migration;
    private final StoredOffsets offsets;

    OffsetLock(Connection connection, String migration, StoredOffsets offsets) {
        this.connection = connection;
        this.migration = migration;
        this.offsets = offsets;
    }

    /// Empty when the locked offset stands at `from`: the work is to be done, now.
    ///
    /// @throws SQLException after the session that kept the lock too long was ended, or when it may
    ///   not be; the transaction is to be begun again
    Optional<WriteOutcome> settled(StoredOffset from, StoredOffset to) throws SQLException {
        Optional<StoredOffset> found = lock(from.partition());
        if (found.isPresent() && found.get().isAt(from)) {
            return Optional.empty();
        }
        return Optional.of(
                found.isPresent() && found.get().isAt(to)
                        ? new WriteOutcome.AppliedBefore()
                        : new WriteOutcome.Lost(from.partition(), found));
    }

    /// Moves the offset without anything else; false when it didn't stand at `from`.
    boolean move(StoredOffset from, StoredOffset to) throws SQLException {
        return patiently(from.partition(), () -> offsets.move(connection, from, to, 0));
    }

    private Optional<StoredOffset> lock(int partition) throws SQLException {
        return patiently(partition, () -> offsets.lock(connection, partition));
    }

    private <T> T patiently(int partition, Statement<T> statement) throws SQLException {
        try {
            return statement.run();
        } catch (SQLException e) {
            if (LOCK_TIMEOUT.equals(e.getSQLState())) {
                connection.rollback();
                evict(partition);
            }
            throw e;
        }
    }

    private void evict(int partition) throws SQLException {
        OptionalInt ended = OffsetLockHolder.terminate(connection, migration, partition);
        connection.rollback();
        if (ended.isPresent()) {
            LOG.atWarn()
                    .addKeyValue("migration", migration)
                    .addKeyValue("partition", partition)
                    .addKeyValue("backend", ended.getAsInt())
                    .log("ended a session that kept the partition's stored offset locked");
        }
    }

    /// The session that holds a partition's stored offset locked. A process that was frozen in the
    /// middle of its transaction keeps that lock for as long as it is frozen; its backend can be
    /// ended from outside, and its rows then never were.
    static final class OffsetLockHolder {

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
}
