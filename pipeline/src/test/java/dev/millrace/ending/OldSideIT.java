package dev.millrace.ending;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.change.TableId;
import dev.millrace.grants.GrantedLogins;
import dev.millrace.grants.GrantedLogins.Login;
import dev.millrace.postgres.Database;
import dev.millrace.testing.PostgresServer;
import dev.millrace.testing.TestDatabase;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.Statement;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/// The sessions that may still use the source, on a real server.
class OldSideIT {

    private final TestDatabase server = PostgresServer.shared().newDatabase();
    private final String role = "reader_" + Long.toString(System.nanoTime(), 36);

    private OldSide.Facts read(Database source, String comparing) {
        return new OldSide(source, List.of(new TableId("public", "account")), comparing)
                .read(Optional.empty(), true);
    }

    @Test
    void aSessionOfTheRoleOfComparisonsIsNoUse() throws Exception {
        server.execute(
                "CREATE TABLE account (id int PRIMARY KEY)",
                "CREATE ROLE " + role + " LOGIN PASSWORD 'pw'",
                "GRANT SELECT ON account TO " + role);
        Login login = GrantedLogins.source(server, "public.account");
        try (Database source = login.database("test");
                Connection reader = DriverManager.getConnection(server.url(), role, "pw");
                Statement statement = reader.createStatement()) {
            reader.setAutoCommit(false);
            statement.execute("SELECT count(*) FROM account");

            OldSide.Facts ofOthers = read(source, login.name());
            OldSide.Facts own = read(source, role);

            assertThat(ofOthers.using()).singleElement().asString().contains(role);
            // The administrator of the test has a session, too.
            assertThat(ofOthers.active()).anyMatch(session -> session.contains(role));
            assertThat(own.using()).isEmpty();
            assertThat(own.active()).noneMatch(session -> session.contains(role));
        }
    }
}
