package dev.millrace.demo;

import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;

/// How many rows the shop opened with: deeds choose among these.
record ShopSize(int customers, int products, int orders) {

    static ShopSize of(Connection connection) throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet counts =
                        statement.executeQuery(
                                "SELECT (SELECT max(id) FROM customer), (SELECT max(id) FROM"
                                        + " product), (SELECT max(id) FROM orders)")) {
            counts.next();
            return new ShopSize(counts.getInt(1), counts.getInt(2), counts.getInt(3));
        }
    }
}
