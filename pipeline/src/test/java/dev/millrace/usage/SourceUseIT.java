package dev.millrace.usage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.millrace.change.TableId;
import dev.millrace.grants.GrantedLogins;
import dev.millrace.grants.GrantedLogins.Login;
import dev.millrace.postgres.Database;
import dev.millrace.switchover.Gate;
import dev.millrace.testing.PostgresServer;
import dev.millrace.testing.TestDatabase;
import dev.millrace.testing.Waits;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.Statement;
import java.util.List;
import java.util.Optional;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/// Reads the statistics of a real server. What needs `pg_stat_statements` is tested where the
/// server has it: in a container, or with `-Dpostgres.address`.
class SourceUseIT {

    private final TestDatabase server = PostgresServer.shared().newDatabase();
    private final String role = "reader_" + server.name();
    private Database source;
    private SourceUse use;

    @BeforeEach
    void createTables() {
        server.execute(
                "CREATE TABLE account (id int PRIMARY KEY)",
                "CREATE VIEW rich AS SELECT id FROM account",
                "CREATE TABLE other (id int)",
                "CREATE ROLE " + role + " LOGIN PASSWORD 'pw'",
                "GRANT SELECT ON account, rich, other TO " + role);
        Login login = GrantedLogins.source(server, "public.account");
        source = login.database("test");
        use = new SourceUse(source, List.of(new TableId("public", "account")), source.username());
    }

    @AfterEach
    void close() {
        source.close();
    }

    private void read(String sql) throws Exception {
        try (Connection connection = DriverManager.getConnection(server.url(), role, "pw");
                Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }

    private Gate since(UseStatistics before) {
        return UseGate.judge(Optional.of(before), use.read());
    }

    private void assumeStatements() {
        assumeTrue(
                String.valueOf(server.value("SHOW shared_preload_libraries"))
                        .contains("pg_stat_statements"),
                "the server has no pg_stat_statements");
        server.execute("CREATE EXTENSION pg_stat_statements");
    }

    @Test
    void aTableThatNobodyScansIsUnused() {
        UseStatistics before = use.read();

        assertThat(since(before).ok()).as(since(before).toString()).isTrue();
    }

    @Test
    void withoutTheExtensionAScanIsUnknown() throws Exception {
        UseStatistics before = use.read();

        read("SELECT count(*) FROM account");
        // A session reports its scans when it ends.
        Awaitility.await()
                .atMost(Waits.LIMIT)
                .until(() -> !use.read().tables().since(before.tables()).isEmpty());

        assertThat(before.statements().missing()).contains("pg_stat_statements");
        assertThat(since(before).ok()).isFalse();
        assertThat(since(before).value()).isEqualTo("unknown");
    }

    @Test
    void millracesOwnStatementsDoNotCount() throws Exception {
        assumeStatements();
        UseStatistics before = use.read();

        server.execute("SELECT count(*) FROM account");
        read("SELECT count(*) FROM other");

        assertThat(since(before).ok()).as(since(before).toString()).isTrue();
    }

    @Test
    void aReadByOthersIsFound() throws Exception {
        assumeStatements();
        UseStatistics before = use.read();

        read("SELECT count(*) FROM account");

        assertThat(since(before).value()).startsWith(role + ", statement ").contains(": 1 calls");
        assertThat(since(before).ok()).isFalse();
    }

    @Test
    void aReadByTheRoleOfComparisonsDoesNotCount() throws Exception {
        assumeStatements();
        use = new SourceUse(source, List.of(new TableId("public", "account")), role);
        UseStatistics before = use.read();

        read("SELECT count(*) FROM account");

        assertThat(since(before).ok()).as(since(before).toString()).isTrue();
    }

    @Test
    void aReadThroughAViewIsFound() throws Exception {
        assumeStatements();
        UseStatistics before = use.read();

        read("SELECT count(*) FROM rich");

        assertThat(since(before).value()).startsWith(role + ", statement ");
    }

    @Test
    void aResetIsUnknown() throws Exception {
        assumeStatements();
        UseStatistics before = use.read();

        read("SELECT count(*) FROM account");
        server.execute("SELECT pg_stat_statements_reset()");

        assertThat(since(before).value()).isEqualTo("unknown");
        assertThat(since(before).reason()).contains("reset");
    }
}
