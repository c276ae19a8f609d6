package dev.millrace.postgres;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import java.io.PrintWriter;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.SQLFeatureNotSupportedException;
import java.time.Duration;
import java.util.logging.Logger;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;

/// One PostgreSQL database and the ways into it: a small pool for short reads and control writes,
/// and sessions of their own for work that holds one (snapshots, COPY, digests). Every session is
/// opened by [SessionFactory], so that a value has one text everywhere. Safe for any thread;
/// constructing it opens no connection; closing it closes the pool, not the sessions that were
/// handed out.
public final class Database implements AutoCloseable {

    /// Work in the pool is short; more connections would only take them from the application.
    public static final int POOL_SIZE = 2;

    /// Within this time a broken connection is noticed by a reader of the pool.
    private static final Duration POOL_SILENCE = Duration.ofSeconds(30);

    /// A statement that should answer at once and takes longer has lost its server.
    private static final Duration SESSION_SILENCE = Duration.ofMinutes(2);

    private static final Duration POOL_WAIT = Duration.ofSeconds(6);

    private final SessionFactory sessions;
    private final Duration silence;
    private final HikariDataSource pool;

    /// @param migration names the sessions in `pg_stat_activity`: `millrace <migration> <purpose>`
    /// @throws IllegalArgumentException when the URL isn't one of PostgreSQL's; the message doesn't
    ///   repeat it
    public Database(String migration, String url, String username, String password) {
        this(new SessionFactory(migration, url, username, password), SESSION_SILENCE);
    }

    /// @param silence how long the server may be silent within a statement of [#connect]
    public Database(SessionFactory sessions, Duration silence) {
        this.sessions = sessions;
        this.silence = silence;
        HikariConfig config = new HikariConfig();
        config.setPoolName("millrace-" + sessions.migration());
        config.setDataSource(new PooledSessions(sessions, POOL_SILENCE));
        config.setMaximumPoolSize(POOL_SIZE);
        config.setMinimumIdle(0);
        config.setConnectionTimeout(POOL_WAIT.toMillis());
        config.setValidationTimeout(Duration.ofSeconds(5).toMillis());
        config.setInitializationFailTimeout(-1);
        pool = new HikariDataSource(config);
    }

    /// A pooled connection, autocommit on. Close it soon.
    public Connection pooled() throws SQLException {
        return pool.getConnection();
    }

    /// Opens a session for statements that answer soon, autocommit on; the caller closes it. One
    /// that may compute for long is run under a [LongStatement].
    public Connection connect(String purpose) throws SQLException {
        return sessions.open(purpose, silence);
    }

    /// Opens a session in which every statement may compute for as long as it takes, autocommit on;
    /// the caller closes it.
    public Connection connectForLongStatements(String purpose) throws SQLException {
        return sessions.open(purpose, Duration.ZERO);
    }

    /// What the catalog and the server say, on one pooled connection; close it soon.
    ///
    /// @throws DatabaseFailure when no connection can be had
    public Session session() {
        try {
            return new Session(pool.getConnection());
        } catch (SQLException e) {
            throw new DatabaseFailure("no session on " + this, e);
        }
    }

    /// Tries to log in, outside the pool.
    public Reachability probe() {
        try (Connection ignored = sessions.open("probe", POOL_SILENCE)) {
            return new Reachability.Reached();
        } catch (SQLException e) {
            return reachability(e);
        }
    }

    private static Reachability reachability(SQLException e) {
        String why = String.valueOf(e.getMessage());
        return switch (SqlFailure.of(e)) {
            case UNREACHABLE -> new Reachability.Unreachable(why);
            case BUSY, LIMIT_REACHED -> new Reachability.Busy(why);
            case LOGIN_REFUSED -> new Reachability.LoginRefused(why);
            case DATABASE_MISSING -> new Reachability.DatabaseMissing(why);
            case NO_PRIVILEGE -> new Reachability.NotPermitted(why);
            case RETRY,
                    IN_USE,
                    READ_ONLY,
                    EXHAUSTED,
                    NOT_CONFIGURED,
                    CANCELLED,
                    REJECTED_VALUE,
                    UNDEFINED,
                    OTHER ->
                    new Reachability.Failed(why);
        };
    }

    @Override
    public void close() {
        pool.close();
    }

    /// `user@host:port/database`, for messages.
    @Override
    public String toString() {
        return sessions.address();
    }

    /// Whether a database lets us in, and if not, in which of the ways that have different
    /// remedies. `why` is the server's or the driver's own sentence; it never holds the password.
    public sealed interface Reachability {

        record Reached() implements Reachability {}

        record Unreachable(String why) implements Reachability {}

        /// The server answers and takes no session now.
        record Busy(String why) implements Reachability {}

        /// Wrong password, unknown user, or no rule of `pg_hba.conf` for this client.
        record LoginRefused(String why) implements Reachability {}

        record DatabaseMissing(String why) implements Reachability {}

        /// The role may not connect to this database.
        record NotPermitted(String why) implements Reachability {}

        record Failed(String why) implements Reachability {}
    }

    /// The pool's source of connections. The password stays in [SessionFactory]: the pool, which
    /// prints its settings, never has it.
    record PooledSessions(SessionFactory sessions, Duration silence) implements DataSource {

        @Override
        public Connection getConnection() throws SQLException {
            return sessions.open("pool", silence);
        }

        @Override
        public Connection getConnection(String username, String password) throws SQLException {
            throw new SQLFeatureNotSupportedException("sessions of one role only");
        }

        @Override
        public @Nullable PrintWriter getLogWriter() {
            return null;
        }

        @Override
        public void setLogWriter(PrintWriter out) {}

        @Override
        public void setLoginTimeout(int seconds) {}

        @Override
        public int getLoginTimeout() {
            return sessions.loginSeconds();
        }

        @Override
        public Logger getParentLogger() throws SQLFeatureNotSupportedException {
            throw new SQLFeatureNotSupportedException("no java.util.logging");
        }

        @Override
        public <T> T unwrap(Class<T> type) throws SQLException {
            throw new SQLFeatureNotSupportedException("nothing is wrapped");
        }

        @Override
        public boolean isWrapperFor(Class<?> type) {
            return false;
        }

        @Override
        public String toString() {
            return sessions.address();
        }
    }

    /// A statement of this room that failed. The message names what was asked, the server's
    /// sentence and its SQLSTATE; sessions are opened so that the server's detail, which may hold a
    /// row, is not in it.
    public static final class DatabaseFailure extends RuntimeException {

        private static final long serialVersionUID = 1L;

        private final SqlFailure kind;

        public DatabaseFailure(String what, SQLException cause) {
            super(
                    what + ": " + cause.getMessage() + " (SQLSTATE " + cause.getSQLState() + ")",
                    cause);
            kind = SqlFailure.of(cause);
        }

        public SqlFailure kind() {
            return kind;
        }
    }
}
