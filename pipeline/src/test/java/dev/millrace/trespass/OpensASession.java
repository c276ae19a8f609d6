package dev.millrace.trespass;

import java.sql.DriverManager;
import java.sql.SQLException;

/// Breaks a wall on purpose: the rule must report it.
final class OpensASession {

    boolean answers(String url) throws SQLException {
        try (var connection = DriverManager.getConnection(url)) {
            return connection.isValid(1);
        }
    }
}
