package dev.millrace.postgres;

import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Properties;
import org.postgresql.Driver;
import org.postgresql.PGProperty;

/// Opens sessions in which a value has one text, whoever reads it and wherever the JVM stands. The
/// settings are made by a statement after login, because a role's or a URL's own would win over
/// those of the start-up packet. With row security off, a policy that would hide rows is an error
/// and not a smaller table.
final class SessionFactory {

    private static final String PIN =
            """
            SELECT set_config('TimeZone', 'UTC', false),
                set_config('DateStyle', 'ISO, MDY', false),
                set_config('IntervalStyle', 'postgres', false),
                set_config('bytea_output', 'hex', false),
                set_config('extra_float_digits', '1', false),
                set_config('client_encoding', 'UTF8', false),
                set_config('standard_conforming_strings', 'on', false),
                set_config('row_security', 'off', false),
                set_config('statement_timeout', '0', false),
                set_config('idle_in_transaction_session_timeout', '0', false),
                CASE WHEN current_setting('transaction_timeout', true) IS NOT NULL
                    THEN set_config('transaction_timeout', '0', false) END,
                set_config('application_name', ?, false)
            """;

    static final int LOGIN_SECONDS = 10;

    private final String migration;
    private final String url;
    private final String username;
    private final String password;
    private final String address;

    SessionFactory(String migration, String url, String username, String password) {
        Properties parts = Driver.parseURL(url, new Properties());
        if (parts == null) {
            throw new IllegalArgumentException(
                    "not a PostgreSQL URL; it is written jdbc:postgresql://host:port/database");
        }
        this.migration = migration;
        this.url = url;
        this.username = username;
        this.password = password;
        this.address =
                username
                        + "@"
                        + PGProperty.PG_HOST.getOrDefault(parts)
                        + ":"
                        + PGProperty.PG_PORT.getOrDefault(parts)
                        + "/"
                        + PGProperty.PG_DBNAME.getOrDefault(parts);
    }

    String address() {
        return address;
    }

    /// @param silence how long the server may be silent within a statement
    Connection open(String purpose, Duration silence) throws SQLException {
        Properties properties = new Properties();
        PGProperty.USER.set(properties, username);
        PGProperty.PASSWORD.set(properties, password);
        PGProperty.APPLICATION_NAME.set(properties, applicationName(purpose));
        PGProperty.CONNECT_TIMEOUT.set(properties, 5);
        PGProperty.LOGIN_TIMEOUT.set(properties, LOGIN_SECONDS);
        PGProperty.SOCKET_TIMEOUT.set(properties, Math.toIntExact(silence.toSeconds()));
        PGProperty.TCP_KEEP_ALIVE.set(properties, true);
        PGProperty.LOG_SERVER_ERROR_DETAIL.set(properties, false);
        Connection connection = new Driver().connect(url, properties);
        if (connection == null) {
            throw new SQLException("the driver doesn't take this URL", "08001");
        }
        try (var pin = connection.prepareStatement(PIN)) {
            pin.setString(1, applicationName(purpose));
            pin.execute();
        } catch (SQLException | RuntimeException e) {
            connection.close();
            throw e;
        }
        return connection;
    }

    private String applicationName(String purpose) {
        return "millrace " + migration + " " + purpose;
    }
}
