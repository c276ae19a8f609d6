package dev.millrace.fence;

import dev.millrace.postgres.Database;
import dev.millrace.postgres.SqlFailure;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import org.postgresql.PGConnection;

/// One session that a fence keeps open, because a login costs more than a change of the lease. It
/// waits for a lock no longer than the limit. Opened at the first use, and again after it broke.
/// Not thread-safe.
final class FenceSession implements AutoCloseable {

    private static final int TERMINATION_MILLIS = 2_000;

    private final Database database;
    private final String purpose;
    private final Duration lockTimeout;
    private final Duration silence;
    private volatile @Nullable Connection open;
    private int pid;

    /// @param purpose names the session in `pg_stat_activity`
    /// @param silence how long the server may send nothing during a statement
    FenceSession(Database database, String purpose, Duration lockTimeout, Duration silence) {
        this.database = database;
        this.purpose = purpose;
        this.lockTimeout = lockTimeout;
        this.silence = silence;
    }

    @FunctionalInterface
    interface Work<T> {
        T run(Connection connection) throws SQLException;
    }

    @FunctionalInterface
    interface RowReader<T> {
        T read(ResultSet row) throws SQLException;
    }

    /// Runs the work in autocommit mode.
    <T> T run(Work<T> work) throws SQLException {
        try {
            return work.run(connection());
        } catch (SQLException e) {
            if (hasBroken(e)) {
                discard();
            }
            throw e;
        }
    }

    /// Runs the work in one transaction.
    <T> T inTransaction(Work<T> work) throws SQLException {
        return run(
                connection -> {
                    connection.setAutoCommit(false);
                    try {
                        T result = work.run(connection);
                        connection.commit();
                        return result;
                    } finally {
                        if (!connection.isClosed()) {
                            connection.rollback();
                            connection.setAutoCommit(true);
                        }
                    }
                });
    }

    <T> List<T> list(String sql, RowReader<T> reader, Object... parameters) throws SQLException {
        return run(connection -> list(connection, sql, reader, parameters));
    }

    static <T> List<T> list(
            Connection connection, String sql, RowReader<T> reader, Object... parameters)
            throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(sql)) {
            for (int i = 0; i < parameters.length; i++) {
                statement.setObject(i + 1, parameters[i]);
            }
            List<T> result = new ArrayList<>();
            try (ResultSet row = statement.executeQuery()) {
                while (row.next()) {
                    result.add(reader.read(row));
                }
            }
            return result;
        }
    }

    static void execute(Connection connection, String sql) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.setEscapeProcessing(false);
            statement.execute(sql);
        }
    }

    private Connection connection() throws SQLException {
        Connection known = open;
        if (known != null && !known.isClosed()) {
            return known;
        }
        Connection opened = database.connect(purpose);
        try {
            execute(opened, "SET lock_timeout = '" + lockTimeout.toMillis() + "ms'");
            opened.setNetworkTimeout(Runnable::run, Math.toIntExact(silence.toMillis()));
            endPrevious(opened);
            pid = opened.unwrap(PGConnection.class).getBackendPID();
        } catch (SQLException | RuntimeException e) {
            opened.close();
            throw e;
        }
        open = opened;
        return opened;
    }

    /// A session that broke on this side only may still execute its last statement.
    private void endPrevious(Connection opened) throws SQLException {
        if (pid != 0) {
            list(
                    opened,
                    "SELECT pg_terminate_backend(pid, ?) FROM pg_stat_activity WHERE pid = ?"
                            + " AND usename = session_user"
                            + " AND application_name = current_setting('application_name')",
                    row -> row.getBoolean(1),
                    TERMINATION_MILLIS,
                    pid);
            pid = 0;
        }
    }

    private boolean hasBroken(SQLException failure) throws SQLException {
        return SqlFailure.of(failure) == SqlFailure.UNREACHABLE || open == null || open.isClosed();
    }

    private void discard() {
        Connection broken = open;
        open = null;
        if (broken != null) {
            try {
                broken.close();
            } catch (SQLException _) {
                // It is broken already.
            }
        }
    }

    @Override
    public void close() {
        discard();
    }

    /// A moment after which something is given up.
    record Deadline(long nanos) {

        static Deadline in(Duration limit) {
            return new Deadline(System.nanoTime() + limit.toNanos());
        }

        boolean hasPassed() {
            return System.nanoTime() - nanos >= 0;
        }

        /// Waits before the next attempt, at most until the deadline.
        void pause(Duration time) throws InterruptedException {
            LockSupport.parkNanos(Math.max(1, Math.min(time.toNanos(), nanos - System.nanoTime())));
            if (Thread.interrupted()) {
                throw new InterruptedException();
            }
        }
    }

    /// An attempt that other sessions' locks or a broken connection can prevent.
    @FunctionalInterface
    interface Attempt<T> {
        T run() throws SQLException;
    }

    /// Repeats the attempt until it succeeds, fails for good, or the limit has passed.
    ///
    /// @return empty if the limit has passed
    static <T> Optional<T> within(
            Deadline deadline, Duration pause, Set<SqlFailure> retried, Attempt<T> attempt)
            throws SQLException, InterruptedException {
        while (true) {
            try {
                return Optional.of(attempt.run());
            } catch (SQLException e) {
                if (!retried.contains(SqlFailure.of(e))) {
                    throw e;
                }
                if (deadline.hasPassed()) {
                    return Optional.empty();
                }
                deadline.pause(pause);
            }
        }
    }
}
