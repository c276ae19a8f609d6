package dev.millrace.postgres;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import com.zaxxer.hikari.HikariPoolMXBean;
import dev.millrace.tls.TlsFailure;
import java.io.PrintWriter;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.SQLFeatureNotSupportedException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;
import java.util.logging.Logger;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;

/// Opens sessions on one PostgreSQL database: a small pool for short reads and control writes, and
/// dedicated sessions for long work (snapshots, COPY, digests). [SessionFactory] opens every
/// session, so a value has the same text in all of them. Thread-safe. The constructor opens no
/// connection; `close` closes the pool but not the dedicated sessions.
public final class Database implements AutoCloseable {

    /// Pooled work is short. More connections would only take them from the application.
    public static final int POOL_SIZE = 2;

    /// How long a pooled statement may wait for the server before the connection counts as broken.
    private static final Duration POOL_SILENCE = Duration.ofSeconds(30);

    /// A short statement that waits longer than this has lost its server.
    private static final Duration SESSION_SILENCE = Duration.ofMinutes(2);

    private static final Duration POOL_WAIT = Duration.ofSeconds(6);

    private final SessionFactory sessions;
    private final Duration silence;
    private final HikariDataSource pool;

    /// @param migration names the sessions in `pg_stat_activity`: `millrace <migration> <purpose>`
    /// @throws IllegalArgumentException if the URL is not a PostgreSQL URL; the message does not
    ///   contain it
    public Database(String migration, String url, String username, String password) {
        this(migration, url, username, () -> password);
    }

    /// @param password read for each session, because it can be rotated meanwhile
    public Database(String migration, String url, String username, Supplier<String> password) {
        this(new SessionFactory(migration, url, username, password), SESSION_SILENCE);
    }

    /// @param silence how long the server may send nothing during a statement of [#connect]
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

    /// Borrows a pooled connection in autocommit mode. Close it soon.
    public Connection pooled() throws SQLException {
        return pool.getConnection();
    }

    /// Opens a session for short statements, in autocommit mode; the caller closes it. Run a long
    /// statement under a [Session.SilenceLimit].
    public Connection connect(String purpose) throws SQLException {
        return sessions.open(purpose, silence);
    }

    /// The same, but the connection counts as broken when the server sends nothing for so long.
    ///
    /// @param silence whole seconds, at least one
    public Connection connect(String purpose, Duration silence) throws SQLException {
        return sessions.open(purpose, silence);
    }

    /// Opens a session without a limit on the duration of statements, in autocommit mode; the
    /// caller closes it.
    public Connection connectForLongStatements(String purpose) throws SQLException {
        return sessions.open(purpose, Duration.ZERO);
    }

    /// The same, but the server cancels a statement that runs longer than this, if it is not zero.
    public Connection connectForLongStatements(String purpose, Duration timeout)
            throws SQLException {
        Connection connection = connectForLongStatements(purpose);
        try (var statement = connection.createStatement()) {
            statement.execute("SET statement_timeout = " + timeout.toMillis());
            return connection;
        } catch (SQLException | RuntimeException e) {
            connection.close();
            throw e;
        }
    }

    /// Borrows a pooled connection to read the catalog and the server's facts. Close it soon.
    ///
    /// @throws DatabaseFailure if no connection is available
    public Session session() {
        try {
            return new Session(pool.getConnection());
        } catch (SQLException e) {
            throw new DatabaseFailure("Cannot open a session on " + this, e);
        }
    }

    /// Tries to log in, without using the pool.
    public Reachability probe() {
        try (Connection _ = sessions.open("probe", POOL_SILENCE)) {
            return new Reachability.Reached();
        } catch (SQLException e) {
            return reachability(e);
        }
    }

    private static Reachability reachability(SQLException e) {
        String why = String.valueOf(e.getMessage());
        Optional<TlsFailure> tls = TlsFailure.of(e);
        if (tls.isPresent()) {
            return new Reachability.NotTrusted(tls.get(), why);
        }
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

    /// What sessions use of TLS.
    ///
    /// @param authority file with certificates of trusted authorities
    /// @param client file with the certificate of the login
    public record Encryption(
            List<InetSocketAddress> servers, Optional<Path> authority, Optional<Path> client) {

        public Encryption {
            servers = List.copyOf(servers);
        }
    }

    /// Empty if the URL does not require TLS.
    public Optional<Encryption> encryption() {
        return sessions.encryption();
    }

    /// The connections of the pool.
    ///
    /// @param waiting threads that wait for one
    public record PoolUse(int active, int idle, int waiting, int limit) {}

    /// Zero before the first connection is borrowed.
    public PoolUse poolUse() {
        HikariPoolMXBean use = pool.getHikariPoolMXBean();
        return use == null
                ? new PoolUse(0, 0, 0, POOL_SIZE)
                : new PoolUse(
                        use.getActiveConnections(),
                        use.getIdleConnections(),
                        use.getThreadsAwaitingConnection(),
                        POOL_SIZE);
    }

    @Override
    public void close() {
        pool.close();
    }

    /// The role of the login.
    public String username() {
        return sessions.username();
    }

    /// The name of the database.
    public String name() {
        return sessions.database();
    }

    /// `user@host:port/database`, for messages.
    @Override
    public String toString() {
        return sessions.address();
    }

    /// The result of a login attempt; each failure has its own remedy. `why` is the message of the
    /// server or the driver and never contains the password.
    public sealed interface Reachability {

        record Reached() implements Reachability {}

        record Unreachable(String why) implements Reachability {}

        /// The server responds, but the connection cannot be encrypted as the URL demands.
        record NotTrusted(TlsFailure failure, String why) implements Reachability {}

        /// The server responds but accepts no session now.
        record Busy(String why) implements Reachability {}

        /// Wrong password, unknown user, or no matching line in `pg_hba.conf`.
        record LoginRefused(String why) implements Reachability {}

        record DatabaseMissing(String why) implements Reachability {}

        /// The role lacks the CONNECT privilege on the database.
        record NotPermitted(String why) implements Reachability {}

        record Failed(String why) implements Reachability {}
    }

    /// The pool's data source. The password stays in [SessionFactory], because the pool can print
    /// its settings.
    record PooledSessions(SessionFactory sessions, Duration silence) implements DataSource {

        @Override
        public Connection getConnection() throws SQLException {
            return sessions.open("pool", silence);
        }

        @Override
        public Connection getConnection(String username, String password) throws SQLException {
            throw new SQLFeatureNotSupportedException("Sessions of one role only.");
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
            throw new SQLFeatureNotSupportedException("java.util.logging is not used.");
        }

        @Override
        public <T> T unwrap(Class<T> type) throws SQLException {
            throw new SQLFeatureNotSupportedException("Nothing is wrapped.");
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

    /// A statement of this package failed. The message contains what was attempted, the server's
    /// message and the SQLSTATE. Sessions are opened without the server's error detail, which may
    /// contain a row.
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
