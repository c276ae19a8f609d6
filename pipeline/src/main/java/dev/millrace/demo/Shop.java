package dev.millrace.demo;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;

/// Creates the demo's shop on the source and its market on the target, and supplies the mappings
/// between them. Each side is created in one transaction, so it exists completely or not at all.
/// Thread-safe.
public final class Shop {

    private static final int MIN_ROWS = 40;

    private Shop() {}

    /// Creates the tables of the shop and about the requested number of rows in total.
    public static void create(Connection source, long rows) throws SQLException {
        inOneTransaction(
                source,
                statement -> {
                    statement.execute(resource("shop.sql"));
                    for (Map.Entry<String, Long> count : counts(rows).entrySet()) {
                        statement.execute(
                                "SELECT set_config('demo."
                                        + count.getKey()
                                        + "', '"
                                        + count.getValue()
                                        + "', false)");
                    }
                    statement.execute(resource("shop-rows.sql"));
                });
    }

    /// Creates the empty target tables.
    public static void createMarket(Connection target) throws SQLException {
        inOneTransaction(target, statement -> statement.execute(resource("market.sql")));
    }

    /// Creates the roles of Millrace and the application, and gives them the rights on the tables
    /// of this side that README demands. Does nothing if the roles exist.
    static void createRoles(Connection connection, String password) throws SQLException {
        try (PreparedStatement query =
                connection.prepareStatement(
                        "SELECT set_config('demo.password', ?, false) WHERE NOT EXISTS"
                                + " (SELECT FROM pg_roles WHERE rolname = 'millrace')")) {
            query.setString(1, password);
            try (ResultSet missing = query.executeQuery()) {
                if (!missing.next()) {
                    return;
                }
            }
        }
        inOneTransaction(connection, statement -> statement.execute(resource("roles.sql")));
    }

    /// The `tables:` section of the migration file.
    public static String tables() {
        return resource("tables.yaml");
    }

    static boolean has(Connection connection, String schema, String table) throws SQLException {
        try (PreparedStatement query =
                connection.prepareStatement(
                        "SELECT 1 FROM information_schema.tables WHERE table_schema = ? AND"
                                + " table_name = ?")) {
            query.setString(1, schema);
            query.setString(2, table);
            try (ResultSet found = query.executeQuery()) {
                return found.next();
            }
        }
    }

    private static Map<String, Long> counts(long rows) {
        Map<String, Long> counts = new LinkedHashMap<>();
        counts.put("customers", Math.max(MIN_ROWS, rows / 16));
        counts.put("products", Math.max(MIN_ROWS, rows / 64));
        counts.put("orders", Math.max(MIN_ROWS, rows / 7));
        counts.put("reviews", Math.max(MIN_ROWS, rows / 24));
        return counts;
    }

    private interface Work {
        void with(Statement statement) throws SQLException;
    }

    private static void inOneTransaction(Connection connection, Work work) throws SQLException {
        connection.setAutoCommit(false);
        try (Statement statement = connection.createStatement()) {
            work.with(statement);
            connection.commit();
        } catch (SQLException e) {
            connection.rollback();
            throw e;
        } finally {
            connection.setAutoCommit(true);
        }
    }

    private static String resource(String name) {
        try (InputStream in =
                Objects.requireNonNull(Shop.class.getResourceAsStream(name), "missing: " + name)) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException("Cannot read the demo's " + name + ".", e);
        }
    }
}
