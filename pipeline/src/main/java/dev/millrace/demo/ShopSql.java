package dev.millrace.demo;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import org.jspecify.annotations.Nullable;

/// One statement of a deed.
final class ShopSql {

    private ShopSql() {}

    static long event(Connection connection, String action, long touched) throws SQLException {
        return update(
                connection,
                "INSERT INTO audit_event (actor, action, touched, details) VALUES ('web', ?,"
                        + " ARRAY[?::bigint], '{\"by\": \"traffic\"}')",
                action,
                touched);
    }

    /// One such deed at a time: they touch rows that they don't know beforehand.
    static void alone(Connection connection) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.execute("SELECT pg_advisory_xact_lock(20)");
        }
    }

    static long update(Connection connection, String sql, @Nullable Object... values)
            throws SQLException {
        try (PreparedStatement statement = prepared(connection, sql, values)) {
            return statement.executeUpdate();
        }
    }

    /// The number that the statement returns; 0 when it hit no row.
    static long returned(Connection connection, String sql, @Nullable Object... values)
            throws SQLException {
        try (PreparedStatement statement = prepared(connection, sql, values);
                ResultSet row = statement.executeQuery()) {
            return row.next() ? row.getLong(1) : 0;
        }
    }

    private static PreparedStatement prepared(
            Connection connection, String sql, @Nullable Object... values) throws SQLException {
        PreparedStatement statement = connection.prepareStatement(sql);
        try {
            for (int i = 0; i < values.length; i++) {
                statement.setObject(i + 1, values[i]);
            }
            return statement;
        } catch (SQLException e) {
            statement.close();
            throw e;
        }
    }
}
