package dev.millrace.demo;

import dev.millrace.demo.ShopWork.ShopSize;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Random;
import org.jspecify.annotations.Nullable;

/// Context of one transaction: its connection, random numbers and the size of the shop. Not
/// thread-safe; confined to its writer's thread.
record WorkloadTransaction(Connection connection, Random random, ShopSize shop) {

    int customer() {
        return 1 + below(shop.customers());
    }

    int product() {
        return 1 + below(shop.products());
    }

    /// Prefers recent orders.
    int order() {
        return 1 + (int) (shop.orders() * Math.sqrt(random.nextDouble()));
    }

    int below(int bound) {
        return random.nextInt(bound);
    }

    long event(String action, long touched) throws SQLException {
        return update(
                "INSERT INTO audit_event (actor, action, touched, details) VALUES ('web', ?,"
                        + " ARRAY[?::bigint], '{\"by\": \"traffic\"}')",
                action,
                touched);
    }

    /// Serializes transactions that lock rows they do not know in advance, so that they do not
    /// deadlock.
    void alone() throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.execute("SELECT pg_advisory_xact_lock(20)");
        }
    }

    long update(String sql, @Nullable Object... values) throws SQLException {
        try (PreparedStatement statement = prepared(sql, values)) {
            return statement.executeUpdate();
        }
    }

    /// Returns the number that the statement returns, or 0 if it affected no row.
    long returned(String sql, @Nullable Object... values) throws SQLException {
        try (PreparedStatement statement = prepared(sql, values);
                ResultSet row = statement.executeQuery()) {
            return row.next() ? row.getLong(1) : 0;
        }
    }

    private PreparedStatement prepared(String sql, @Nullable Object... values) throws SQLException {
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
