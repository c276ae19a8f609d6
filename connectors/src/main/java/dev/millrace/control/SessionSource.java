package dev.millrace.control;

import java.io.PrintWriter;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.SQLFeatureNotSupportedException;
import java.util.logging.Logger;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;

/// Adapts [TargetSessions] to the interface that Flyway needs. The sessions have a fixed login and
/// time limit, so setting others is refused. Thread-safe.
public record SessionSource(TargetSessions sessions) implements DataSource {

    @Override
    public Connection getConnection() throws SQLException {
        return sessions.open();
    }

    @Override
    public Connection getConnection(String username, String password) throws SQLException {
        throw new SQLFeatureNotSupportedException("The sessions have a fixed login.");
    }

    @Override
    public @Nullable PrintWriter getLogWriter() {
        return null;
    }

    @Override
    public void setLogWriter(@Nullable PrintWriter out) {}

    @Override
    public void setLoginTimeout(int seconds) throws SQLException {
        throw new SQLFeatureNotSupportedException("The sessions have a fixed time limit.");
    }

    @Override
    public int getLoginTimeout() {
        return 0;
    }

    @Override
    public Logger getParentLogger() {
        return Logger.getLogger("dev.millrace.control");
    }

    @Override
    public <T> T unwrap(Class<T> type) throws SQLException {
        throw new SQLException("Cannot unwrap as " + type.getName());
    }

    @Override
    public boolean isWrapperFor(Class<?> type) {
        return false;
    }

    /// Opens sessions on the target database. Each call returns a new connection with pinned
    /// settings, which the caller closes.
    @FunctionalInterface
    public interface TargetSessions {

        Connection open() throws SQLException;
    }
}
