package dev.millrace.apply;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.control.ControlSchema;
import dev.millrace.grants.GrantedLogins;
import dev.millrace.grants.GrantedLogins.Login;
import dev.millrace.postgres.HostileSettings;
import dev.millrace.testing.PostgresServer;
import dev.millrace.testing.TestDatabase;
import java.sql.SQLException;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/// No setting of the server, the database or the role changes how the target reads a text or what a
/// commit guarantees.
class TargetSessionIT {

    private static final TestDatabase DATABASE = PostgresServer.shared().newDatabase();
    private static Login login;

    @BeforeAll
    static void setHostileSettings() {
        DATABASE.execute("CREATE TABLE item (id int PRIMARY KEY, tags text[], born date)");
        login = GrantedLogins.apply(DATABASE);
        HostileSettings.apply(DATABASE, login);
    }

    @Test
    void pinsEverySetting() throws SQLException {
        try (TargetSession session = ApplierScenario.session(login);
                var statement = session.connection().createStatement();
                var row = statement.executeQuery("SHOW lock_timeout")) {
            row.next();

            assertThat(row.getString(1)).isEqualTo("500ms");
            assertThat(session.connection().getNetworkTimeout()).isEqualTo(30_000);
            assertThat(HostileSettings.unpinned(session.connection())).isEmpty();
        }
    }

    @Test
    void readsTextsAsTheSourcePrintedThem() throws SQLException {
        try (TargetSession session = ApplierScenario.session(login);
                var statement = session.connection().createStatement()) {
            statement.execute("INSERT INTO item VALUES (1, '{a,NULL,\"NULL\"}', '2024-03-04')");
            session.connection().commit();
            try (var row =
                    statement.executeQuery(
                            "SELECT array_position(tags, NULL), born = make_date(2024, 3, 4) FROM item")) {
                row.next();

                assertThat(row.getInt(1)).isEqualTo(2);
                assertThat(row.getBoolean(2)).isTrue();
            }
        }
    }

    @Test
    void createsTheControlSchemaUnderAnySettings() throws SQLException {
        assertThat(ControlSchema.migrate(ApplierScenario.sessions(login)))
                .isInstanceOf(ControlSchema.Outcome.Ready.class);
    }
}
