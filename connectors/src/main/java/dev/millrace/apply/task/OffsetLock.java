package dev.millrace.apply.task;

import dev.millrace.control.StoredOffset;
import dev.millrace.control.StoredOffsets;
import dev.millrace.postgres.Session.SilenceLimit;
import dev.millrace.postgres.SqlState;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.Optional;
import java.util.OptionalInt;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Locks a partition's stored offset for the duration of a transaction, before rows are written.
/// Under the lock the session knows whether an earlier attempt committed, and no other session can
/// commit beyond it. It is the first statement of a transaction and takes no time, so it also
/// detects soon that the network has lost an idle session. Not thread-safe; confined to the
/// session's thread.
public final class OffsetLock {

    @FunctionalInterface
    private interface Statement<T> {
        T run() throws SQLException;
    }

    private static final Logger LOG = LoggerFactory.getLogger(OffsetLock.class);

    private final Connection connection;
    private final String migration;
    private final StoredOffsets offsets;

    public OffsetLock(Connection connection, String migration, StoredOffsets offsets) {
        this.connection = connection;
        this.migration = migration;
        this.offsets = offsets;
    }

    /// Locks the stored offset and decides whether the task still has to be done.
    ///
    /// @return the outcome; empty when the stored offset is `from`, so that the task must be done
    ///   now
    /// @throws SQLException when another session had the lock for too long; that session was
    ///   terminated if it is of this role. Repeat the transaction
    public Optional<WriteOutcome> settled(StoredOffset from, StoredOffset to) throws SQLException {
        Optional<StoredOffset> found = lock(from.partition());
        if (found.isPresent() && found.get().isAt(from)) {
            return Optional.empty();
        }
        return Optional.of(
                found.isPresent() && found.get().isAt(to)
                        ? new WriteOutcome.AppliedBefore()
                        : new WriteOutcome.Lost(from.partition(), found));
    }

    /// Moves the offset in its own transaction; false when it was not `from`.
    public boolean move(StoredOffset from, StoredOffset to) throws SQLException {
        return orEvict(from.partition(), () -> offsets.move(connection, from, to, 0));
    }

    private Optional<StoredOffset> lock(int partition) throws SQLException {
        return orEvict(partition, () -> offsets.lock(connection, partition));
    }

    private <T> T orEvict(int partition, Statement<T> statement) throws SQLException {
        try (var _ = SilenceLimit.ofShortStatement(connection)) {
            return statement.run();
        } catch (SQLException e) {
            if (SqlState.LOCK_NOT_AVAILABLE.matches(e)) {
                connection.rollback();
                evict(partition);
            }
            throw e;
        }
    }

    private void evict(int partition) throws SQLException {
        OptionalInt ended = offsets.terminateLockHolder(connection, partition);
        connection.rollback();
        if (ended.isPresent()) {
            LOG.atWarn()
                    .addKeyValue("migration", migration)
                    .addKeyValue("partition", partition)
                    .addKeyValue("backend", ended.getAsInt())
                    .log(
                            "terminated a session that kept the stored offset of the partition"
                                    + " locked");
        }
    }
}
