package dev.millrace.postgres;

import dev.millrace.postgres.Database.DatabaseFailure;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.postgresql.PGConnection;

/// A pooled connection for callers without JDBC: the catalog, the server's facts, and query results
/// as text. Not thread-safe; `close` returns the connection to the pool.
public final class Session implements AutoCloseable {

    private final Connection connection;

    Session(Connection connection) {
        this.connection = connection;
    }

    public Catalog sourceCatalog() {
        return Catalog.ofSource(connection);
    }

    public Catalog targetCatalog() {
        return Catalog.ofTarget(connection);
    }

    public Server server() {
        return new Server(connection);
    }

    /// Whether the session is one of the server itself. A connection pooler has sessions of its
    /// own: the process that it names to its client is not the one that runs the queries.
    public boolean isDirect() {
        try (Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery("SELECT pg_catalog.pg_backend_pid()")) {
            row.next();
            return row.getInt(1) == connection.unwrap(PGConnection.class).getBackendPID();
        } catch (SQLException e) {
            throw new DatabaseFailure("The process of the session cannot be read", e);
        }
    }

    /// Runs one query and returns each value as PostgreSQL's text. A question mark in the query is
    /// an operator, never a parameter. The query may run for long: a search for one row of a table
    /// can read many dead rows.
    ///
    /// @throws DatabaseFailure with the kind of failure
    public List<List<@Nullable String>> texts(String sql) {
        try (var _ = SilenceLimit.ofLongStatement(connection);
                Statement statement = connection.createStatement();
                ResultSet rows = statement.executeQuery(sql)) {
            int columns = rows.getMetaData().getColumnCount();
            List<List<@Nullable String>> result = new ArrayList<>();
            while (rows.next()) {
                List<@Nullable String> texts = new ArrayList<>();
                for (int i = 1; i <= columns; i++) {
                    texts.add(rows.getString(i));
                }
                result.add(texts);
            }
            return result;
        } catch (SQLException e) {
            throw new DatabaseFailure("A query failed", e);
        }
    }

    /// Runs statements in one transaction.
    ///
    /// @throws SQLException also if another session locks an object for longer than 5 seconds; then
    ///   nothing was changed
    public void change(List<String> statements) throws SQLException {
        connection.setAutoCommit(false);
        try (Statement statement = connection.createStatement()) {
            statement.execute("SET LOCAL lock_timeout = '5s'");
            for (String sql : statements) {
                statement.execute(sql);
            }
            connection.commit();
        } catch (SQLException e) {
            connection.rollback();
            throw e;
        } finally {
            connection.setAutoCommit(true);
        }
    }

    @Override
    public void close() {
        try {
            connection.close();
        } catch (SQLException e) {
            throw new DatabaseFailure("Cannot return the connection to the pool", e);
        }
    }

    /// Another limit on how long the server may send nothing during a statement of a connection,
    /// until it is closed. Not thread-safe; confined to the connection's thread.
    public static final class SilenceLimit implements AutoCloseable {

        private static final Duration SHORT = Duration.ofSeconds(30);

        private final Connection connection;
        private final int previousTimeout;

        private SilenceLimit(Connection connection, Duration silence) throws SQLException {
            this.connection = connection;
            this.previousTimeout = connection.getNetworkTimeout();
            set(Math.toIntExact(silence.toMillis()));
        }

        /// Detects a lost server within half a minute, in a session whose other statements may take
        /// much longer.
        ///
        /// @param connection whose locks are waited for at most half as long
        public static SilenceLimit ofShortStatement(Connection connection) throws SQLException {
            return new SilenceLimit(connection, SHORT);
        }

        /// No limit, for example for the digest or the deletion of a large table. TCP keep-alive
        /// still detects a lost server.
        public static SilenceLimit ofLongStatement(Connection connection) throws SQLException {
            return new SilenceLimit(connection, Duration.ZERO);
        }

        private void set(int timeout) throws SQLException {
            connection.setNetworkTimeout(Runnable::run, timeout);
        }

        @Override
        public void close() throws SQLException {
            set(previousTimeout);
        }
    }
}
