package dev.millrace.demo;

import dev.millrace.demo.ShopWork.ShopSize;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Random;
import org.jspecify.annotations.Nullable;

/// What a deed is done with: the transaction that it writes in, the chance that decides, and what
/// there is to choose among. For one writer's thread.
record WorkloadTransaction(Connection connection, Random random, ShopSize shop) {

    int customer() {
        return 1 + below(shop.customers());
    }

    int product() {
        return 1 + below(shop.products());
    }

    /// The newest orders get the most attention.
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

    /// One such deed at a time: they touch rows that they don't know beforehand.
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

    /// The number that the statement returns; 0 when it hit no row.
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
