package dev.millrace.trespass;

import java.sql.Connection;
import java.sql.SQLException;

/// Breaks a wall on purpose: the rule must see it.
final class TalksToADatabase {

    String schema(Connection connection) throws SQLException {
        return connection.getSchema();
    }
}
