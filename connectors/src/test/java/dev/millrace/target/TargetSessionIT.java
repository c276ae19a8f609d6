package dev.millrace.target;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.testing.PostgresServer;
import dev.millrace.testing.TestDatabase;
import java.sql.SQLException;
import java.time.Duration;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// What a text means to the target, and what a commit promises, hangs on no setting of the server
/// or the role.
class TargetSessionIT {

    private static final TestDatabase DATABASE = PostgresServer.shared().newDatabase();

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "lc_monetary | C",
                "TimeZone | UTC",
                "DateStyle | ISO, MDY",
                "IntervalStyle | postgres",
                "extra_float_digits | 1",
                "bytea_output | hex",
                "xmloption | content",
                "standard_conforming_strings | on"
            })
    void aSettingThatBearsOnATextIsTheSessionsOwn(String name, String value) throws SQLException {
        assertIsTheSessionsOwn(name, value);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "synchronous_commit | on",
                "default_transaction_isolation | read committed",
                "default_transaction_read_only | off",
                "row_security | off",
                "statement_timeout | 0",
                "transaction_timeout | 0",
                "idle_in_transaction_session_timeout | 0",
                "idle_session_timeout | 0",
                "lock_timeout | 1000"
            })
    void aSettingThatBearsOnATransactionIsTheSessionsOwn(String name, String value)
            throws SQLException {
        assertIsTheSessionsOwn(name, value);
    }

    private static void assertIsTheSessionsOwn(String name, String value) throws SQLException {
        try (TargetSession session =
                        TargetSession.open(
                                ApplierScenario.sessions(DATABASE),
                                "shop",
                                Duration.ofSeconds(1),
                                Duration.ofSeconds(10));
                var statement =
                        session.connection()
                                .prepareStatement(
                                        "SELECT setting, source FROM pg_settings WHERE name = ?")) {
            statement.setString(1, name);
            try (var row = statement.executeQuery()) {
                row.next();

                assertThat(row.getString(1)).isEqualTo(value);
                assertThat(row.getString(2)).isEqualTo("session");
            }
        }
    }
}
