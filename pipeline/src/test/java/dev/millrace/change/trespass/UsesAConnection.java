package dev.millrace.change.trespass;

import java.sql.Connection;
import java.sql.SQLException;

/// Breaks a wall on purpose: the rule must report it.
final class UsesAConnection {

    String schema(Connection connection) throws SQLException {
        return connection.getSchema();
    }
}
