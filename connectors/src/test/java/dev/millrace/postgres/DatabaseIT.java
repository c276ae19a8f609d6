package dev.millrace.postgres;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.millrace.change.Lsn;
import dev.millrace.change.TableId;
import dev.millrace.grants.GrantedLogins;
import dev.millrace.grants.GrantedLogins.Login;
import dev.millrace.postgres.Database.Reachability;
import dev.millrace.postgres.Session.SilenceLimit;
import dev.millrace.testing.PostgresServer;
import dev.millrace.testing.TestDatabase;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

class DatabaseIT {

    private static Login login(TestDatabase database) {
        return GrantedLogins.source(database);
    }

    private static SessionFactory sessions(Login login, String options) {
        return new SessionFactory(
                "shop", login.endpoint().url() + options, login.name(), GrantedLogins.PASSWORD);
    }

    @Test
    void allSessionsHavePinnedSettingsDespiteDatabaseRoleAndUrl() throws SQLException {
        TestDatabase hostile = PostgresServer.shared().newDatabase();
        Login login = login(hostile);
        HostileSettings.apply(hostile, login);
        SessionFactory sessions =
                sessions(
                        login,
                        "?options=-c%20IntervalStyle=iso_8601%20-c%20array_nulls=off"
                                + "&ApplicationName=x&socketTimeout=1&readOnly=true");

        try (Database opened = new Database(sessions, Duration.ofSeconds(20));
                Connection pooled = opened.pooled();
                Connection own = opened.connect("control");
                Connection longStatements = opened.connectForLongStatements("digest");
                Connection replication = sessions.openReplication("stream")) {
            for (Connection each : List.of(pooled, own, longStatements, replication)) {
                assertThat(HostileSettings.unpinned(each)).isEmpty();
            }
            assertThat(setting(own, "lock_timeout")).isEqualTo("10s");
            assertThat(setting(longStatements, "lock_timeout")).isEqualTo("0");
            assertThat(setting(longStatements, "application_name"))
                    .isEqualTo("millrace shop digest");
            assertThat(own.getNetworkTimeout()).isEqualTo(20_000);
            assertThat(longStatements.getNetworkTimeout()).isZero();
        }
    }

    /// Covers the categories of `pg_settings` whose settings affect values, visible rows, session
    /// lifetime and transactions.
    @Test
    void everySessionSettingIsPinnedOrExcludedWithReason() {
        Set<String> namesOnly = Set.of("search_path", "default_text_search_config");
        Set<String> harmless =
                Set.of(
                        "check_function_bodies",
                        "client_min_messages",
                        "createrole_self_grant",
                        "default_table_access_method",
                        "default_tablespace",
                        "default_toast_compression",
                        "escape_string_warning",
                        "gin_pending_list_limit",
                        "icu_validation_level",
                        "local_preload_libraries",
                        "restrict_nonsystem_relation_kind",
                        "synchronize_seqscans",
                        "temp_tablespaces");
        Set<String> ofOneTransaction =
                Set.of("transaction_deferrable", "transaction_isolation", "transaction_read_only");
        List<String> inQuestion =
                PostgresServer.shared()
                        .newDatabase()
                        .query(
                                """
                                SELECT name FROM pg_settings WHERE context = 'user' AND (
                                    category LIKE 'Client Connection Defaults / %'
                                    OR category LIKE 'Version and Platform Compatibility%'
                                    OR category LIKE 'Replication / Sending%'
                                    OR category = 'Error Handling' OR name = 'synchronous_commit')
                                """)
                        .stream()
                        .map(row -> String.valueOf(row.getFirst()))
                        .toList();

        assertThat(inQuestion)
                .contains("array_nulls", "TimeZone", "transaction_timeout")
                .filteredOn(name -> !namesOnly.contains(name))
                .filteredOn(name -> !harmless.contains(name))
                .filteredOn(name -> !ofOneTransaction.contains(name))
                .filteredOn(name -> !name.equals("lock_timeout"))
                .containsExactlyInAnyOrderElementsOf(PinnedSettings.VALUES.keySet());
        assertThat(HostileSettings.VALUES.keySet()).containsAll(PinnedSettings.VALUES.keySet());
    }

    @Test
    void longStatementIsExemptFromTimeout() throws SQLException {
        SessionFactory sessions = sessions(login(PostgresServer.shared().newDatabase()), "");

        try (Database opened = new Database(sessions, Duration.ofSeconds(1));
                Connection shortStatements = opened.connect("control");
                Connection switched = opened.connect("control");
                var cut = shortStatements.createStatement();
                var kept = switched.createStatement()) {
            try (var _ = SilenceLimit.ofLongStatement(switched)) {
                kept.execute("SELECT pg_sleep(1.2)");
            }

            assertThat(switched.getNetworkTimeout()).isEqualTo(1_000);
            assertThatThrownBy(() -> cut.execute("SELECT pg_sleep(1.2)"))
                    .isInstanceOf(SQLException.class);
        }
    }

    private static String setting(Connection connection, String name) throws SQLException {
        try (var statement = connection.createStatement();
                ResultSet row = statement.executeQuery("SHOW " + name)) {
            row.next();
            return row.getString(1);
        }
    }

    @Test
    void probeReportsWhyLoginFails() {
        TestDatabase database = PostgresServer.shared().newDatabase();
        Login login = login(database);
        String elsewhere = database.url().replaceAll("/t\\d+$", "/nowhere");

        try (Database here = login.database("shop");
                Database missing =
                        new Database("shop", elsewhere, login.name(), GrantedLogins.PASSWORD);
                Database wrong = new Database("shop", database.url(), login.name(), "secret-7391");
                Database down =
                        new Database(
                                "shop", "jdbc:postgresql://127.0.0.1:1/x", "u", "secret-7391")) {
            assertThat(here.probe()).isInstanceOf(Reachability.Reached.class);
            assertThat(missing.probe()).isInstanceOf(Reachability.DatabaseMissing.class);
            assertThat(wrong.probe()).isInstanceOf(Reachability.LoginRefused.class);
            assertThat(wrong.probe().toString()).doesNotContain("secret-7391");
            assertThat(down.probe()).isInstanceOf(Reachability.Unreachable.class);
            assertThat(down.probe().toString() + down).doesNotContain("secret-7391");
        }
    }

    @Test
    void errorMessageContainsNoRow() throws SQLException {
        TestDatabase database = PostgresServer.shared().newDatabase();
        database.execute("CREATE TABLE t (id text PRIMARY KEY)", "INSERT INTO t VALUES ('canary')");

        try (Database opened = GrantedLogins.apply(database).database("shop");
                Connection connection = opened.pooled();
                var statement = connection.createStatement()) {
            assertThatThrownBy(() -> statement.execute("INSERT INTO t VALUES ('canary')"))
                    .isInstanceOf(SQLException.class)
                    .hasMessageNotContaining("canary");
        }
    }

    @Test
    void returnsNullForNull() {
        try (Database opened = login(PostgresServer.shared().newDatabase()).database("shop");
                Session session = opened.session()) {
            assertThat(session.texts("SELECT NULL, 'null', ''").getFirst())
                    .containsExactly(null, "null", "");
        }
    }

    @Test
    void readsServerFactsSlotsAndPublications() {
        TestDatabase database = PostgresServer.shared().newDatabase();
        database.execute(
                "CREATE TABLE t (id int PRIMARY KEY, other int REFERENCES t)",
                "CREATE PUBLICATION p FOR TABLE t WITH (publish_via_partition_root = true)",
                "CREATE PUBLICATION narrow FOR TABLE t WHERE (id > 1)",
                "CREATE PUBLICATION schema_wide FOR TABLES IN SCHEMA public");
        String slot = "s" + Long.toString(System.nanoTime(), 36);
        database.query("SELECT pg_create_logical_replication_slot('" + slot + "', 'pgoutput')");

        try (Database opened = login(database).database("shop");
                Session session = opened.session()) {
            Server server = session.server();
            Server.Facts facts = server.facts();

            assertThat(facts.walLevel()).isEqualTo("logical");
            assertThat(facts.majorVersion()).isBetween(14, 18);
            assertThat(facts.encoding()).isEqualTo("UTF8");
            assertThat(facts.systemIdentifier())
                    .contains(
                            String.valueOf(
                                    database.value(
                                            "SELECT system_identifier FROM pg_control_system()")));
            assertThat(facts.timeline()).hasValue(1);
            assertThat(facts.slots().used()).isGreaterThanOrEqualTo(1);
            assertThat(facts.role().replicates()).isTrue();
            assertThat(server.slot(slot))
                    .hasValueSatisfying(
                            found -> {
                                assertThat(found.plugin()).contains("pgoutput");
                                assertThat(found.active()).isFalse();
                                assertThat(found.confirmedFlush()).isPresent();
                            });
            assertThat(server.slot("nowhere")).isEmpty();
            assertThat(server.publication("p"))
                    .hasValueSatisfying(
                            found -> {
                                assertThat(found.tables())
                                        .containsExactly(new TableId("public", "t"));
                                assertThat(found.narrowed()).isFalse();
                                assertThat(found.viaRoot()).isTrue();
                            });
            assertThat(server.publication("narrow").orElseThrow().narrowed()).isTrue();
            assertThat(server.publication("schema_wide").orElseThrow().narrowed()).isTrue();
            assertThat(server.walPosition()).isGreaterThan(Lsn.ZERO);
            assertThat(server.maySetReplicationRole()).isTrue();
        } finally {
            database.query("SELECT pg_drop_replication_slot('" + slot + "')");
        }
    }

    @Test
    void reportsMissingPrivilegesOfRole() {
        TestDatabase database = PostgresServer.shared().newDatabase();
        String role = "r" + Long.toString(System.nanoTime(), 36);
        database.execute(
                "CREATE ROLE " + role + " LOGIN PASSWORD 'any'",
                "CREATE TABLE t (id int PRIMARY KEY)",
                "ALTER TABLE t ENABLE ROW LEVEL SECURITY");

        try (Database opened = new Database("shop", database.url(), role, "any");
                Session session = opened.session()) {
            Server.Facts facts = session.server().facts();
            TableFacts.Access access =
                    session.sourceCatalog()
                            .facts(new TableId("public", "t"))
                            .orElseThrow()
                            .access();

            assertThat(facts.role().replicates()).isFalse();
            assertThat(facts.role().createsInDatabase()).isFalse();
            assertThat(session.server().maySetReplicationRole()).isFalse();
            assertThat(access.select()).isFalse();
            assertThat(access.owned()).isFalse();
            assertThat(access.rowSecurity()).isTrue();
        }
    }
}
