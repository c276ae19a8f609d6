package dev.millrace.migration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.millrace.grants.GrantedLogins;
import dev.millrace.parity.SchemaFinding;
import dev.millrace.postgres.Identifier;
import dev.millrace.rejected.RejectedChange;
import dev.millrace.replication.RefusedException;
import dev.millrace.switchover.Gate;
import dev.millrace.switchover.Operation;
import dev.millrace.switchover.Operation.Kind;
import dev.millrace.switchover.SwitchoverRequest;
import dev.millrace.switchover.SwitchoverRequest.Action;
import dev.millrace.testing.TestDatabase;
import dev.millrace.testing.Waits;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

/// The gates of a running migration: each is closed by the real fact, and opens when it is gone.
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class SwitchoverGatesIT {

    private MigrationScene scene;
    private Migration migration;

    @BeforeAll
    void startInSync() throws Exception {
        scene =
                new MigrationScene()
                        .declared()
                        .table("account", "id int PRIMARY KEY, balance bigint NOT NULL DEFAULT 0");
        scene.source.execute("INSERT INTO account SELECT i, 100 FROM generate_series(1, 10) i");
        migration = scene.movable().start();
        scene.awaitPhase("IN_SYNC");
        scene.reconcile();
    }

    @AfterAll
    void stop() {
        scene.close();
    }

    private static SwitchoverRequest ask(Action action) {
        return new SwitchoverRequest(
                Kind.SWITCHOVER,
                action,
                Set.of(),
                "",
                Optional.empty(),
                Optional.empty(),
                Optional.empty());
    }

    private Map<String, Gate> gates() {
        return migration.move(ask(Action.DRY_RUN)).gates().stream()
                .collect(Collectors.toMap(Gate::name, Function.identity()));
    }

    private Gate gate(String name) {
        return Objects.requireNonNull(gates().get(name), name);
    }

    @Test
    void opensTheGatesOfAnEqualMigration() {
        assertThat(gates())
                .allSatisfy(
                        (name, gate) -> assertThat(gate.ok()).as("%s: %s", name, gate).isTrue());
    }

    @Test
    void nothingCanBeCancelledBeforeASwitchover() {
        assertThatThrownBy(() -> migration.move(ask(Action.CANCEL)))
                .isInstanceOf(RefusedException.class)
                .hasMessageContaining("No switchover is running");
    }

    @Test
    void aDryRunChangesNothing() throws Exception {
        List<String> before = inventory();

        Operation dryRun = migration.move(ask(Action.DRY_RUN));

        assertThat(dryRun.steps()).hasSize(12);
        assertThat(inventory()).isEqualTo(before);
    }

    /// What a switchover could create: objects of both databases, topics and files.
    private List<String> inventory() throws Exception {
        List<String> found = new ArrayList<>();
        for (TestDatabase side : List.of(scene.source, scene.target)) {
            side.query(
                            """
                            SELECT 'object ' || oid || ' ' || relname FROM pg_class WHERE relnamespace IN
                                (SELECT oid FROM pg_namespace WHERE nspname IN ('public', 'millrace'))
                            UNION ALL SELECT 'trigger ' || tgname FROM pg_trigger
                            UNION ALL SELECT 'function ' || proname FROM pg_proc WHERE pronamespace IN
                                (SELECT oid FROM pg_namespace WHERE nspname IN ('public', 'millrace'))
                            UNION ALL SELECT 'publication ' || pubname FROM pg_publication
                            UNION ALL SELECT 'slot ' || slot_name FROM pg_replication_slots
                                WHERE database = current_database()
                            UNION ALL SELECT 'role ' || rolname FROM pg_roles
                            UNION ALL SELECT 'origin ' || roname FROM pg_replication_origin
                            ORDER BY 1
                            """)
                    .forEach(row -> found.add(String.valueOf(row)));
        }
        for (String table : List.of("lease", "operation", "operation_step", "journal")) {
            found.add(table + scene.target.query("SELECT count(*) FROM millrace." + table));
        }
        found.addAll(new TreeSet<>(scene.topics.names()));
        try (Stream<Path> files = Files.walk(scene.dataDir)) {
            files.map(Path::toString).sorted().forEach(found::add);
        }
        return found;
    }

    @Test
    void aDifferentVerdictRefuses() throws Exception {
        scene.writeTargetAsMigration("UPDATE account SET balance = 1 WHERE id = 1");
        scene.reconcile();
        assertThat(gate("verdict").value()).startsWith("different");
        assertThatThrownBy(() -> migration.move(ask(Action.MOVE)))
                .isInstanceOf(RefusedException.class)
                .hasMessageContaining("Gate verdict is closed");

        scene.writeTargetAsMigration("UPDATE account SET balance = 100 WHERE id = 1");
        scene.reconcile();
        assertThat(gate("verdict").ok()).isTrue();
    }

    @Test
    void aTableThatChangedSinceTheVerdictClosesItsGateUntilTheNextVerdict() throws Exception {
        scene.target.execute("ALTER TABLE account ADD COLUMN note text");
        assertThat(gate("verdict").value()).endsWith("broken: target-schema");
        assertThat(gate("verdict").reason()).contains("the definition of public.account");
        assertThatThrownBy(() -> migration.move(ask(Action.MOVE)))
                .isInstanceOf(RefusedException.class)
                .hasMessageContaining("broken: target-schema");
        scene.target.execute("ALTER TABLE account DROP COLUMN note");
        assertThat(gate("verdict").ok()).as("as it was").isTrue();

        scene.source.execute("ALTER TABLE account ADD COLUMN note text");
        assertThat(gate("verdict").value()).endsWith("broken: source-schema");
        scene.source.execute("ALTER TABLE account DROP COLUMN note");
        assertThat(gate("verdict").ok()).isTrue();
    }

    @Test
    void anOldTransactionClosesItsGate() throws Exception {
        String role = writer(scene.source);
        try (Connection session = scene.source.connect()) {
            session.setAutoCommit(false);
            session.createStatement().execute("SET SESSION AUTHORIZATION " + role);
            session.createStatement().execute("SELECT 1");
            // The limit of the test's migration is 30 s; a prepared transaction counts at once.
            assertThat(gate("transactions").ok()).isTrue();
            session.rollback();
        }
        String login = Identifier.quote(scene.sourceLogin());
        scene.source.execute("REVOKE pg_read_all_stats FROM " + login);
        try {
            assertThat(gate("transactions").value()).isEqualTo("unknown");
        } finally {
            scene.source.execute("GRANT pg_read_all_stats TO " + login);
        }
        if ("0".equals(scene.source.value("SHOW max_prepared_transactions"))) {
            return;
        }
        scene.source.execute("BEGIN", "INSERT INTO account VALUES (99)", "PREPARE TRANSACTION 'p'");
        try {
            assertThat(gate("transactions").reason()).contains("prepared transaction 'p'");
        } finally {
            scene.source.execute("ROLLBACK PREPARED 'p'");
        }
    }

    private static String writer(TestDatabase side) {
        String role = "writer_" + Long.toString(System.nanoTime(), 36);
        side.execute(
                "CREATE ROLE " + role + " LOGIN PASSWORD 'pw'",
                "GRANT INSERT ON account TO " + role);
        return role;
    }

    @Test
    void aPrivilegeThatIsMissingOnTheTargetClosesItsGate() {
        String role = writer(scene.source);
        scene.source.execute("GRANT UPDATE (balance) ON account TO " + role);
        try {
            Gate gate = gate("target-privileges");
            assertThat(gate.ok()).isFalse();
            assertThat(gate.forceable()).isTrue();
            assertThat(gate.reason())
                    .contains(role + " lacks INSERT on public.account")
                    .contains(role + " lacks UPDATE on public.account")
                    .doesNotContain("DELETE");
            scene.target.execute("GRANT INSERT ON account TO " + role);
            assertThat(gate("target-privileges").reason())
                    .contains(role + " lacks UPDATE on public.account")
                    .doesNotContain("INSERT");
            scene.target.execute("GRANT UPDATE ON account TO " + role);
            assertThat(gate("target-privileges").ok()).isTrue();
        } finally {
            scene.target.execute("DROP OWNED BY " + role);
            scene.source.execute("DROP OWNED BY " + role, "DROP ROLE " + role);
        }
    }

    /// Its worker never connects: the publisher does not exist.
    @Test
    void aSubscriptionThatWritesAMappedTableClosesItsGate() throws Exception {
        try (Connection admin = scene.target.connect();
                Statement statement = admin.createStatement()) {
            statement.execute(
                    "CREATE SUBSCRIPTION stranger CONNECTION 'host=127.0.0.1 port=1' PUBLICATION p"
                            + " WITH (connect = false, slot_name = NONE)");
            try {
                statement.execute("SET allow_system_table_mods = on");
                statement.execute(
                        "INSERT INTO pg_subscription_rel (srsubid, srrelid, srsubstate)"
                                + " SELECT oid, 'account'::regclass, 'r' FROM pg_subscription"
                                + " WHERE subname = 'stranger'");
                assertThat(gate("subscriptions").ok()).isTrue();
                statement.execute(
                        "UPDATE pg_subscription SET subenabled = true WHERE subname = 'stranger'");
                assertThat(gate("subscriptions").reason())
                        .contains("stranger (account) on the target");
            } finally {
                statement.execute("ALTER SUBSCRIPTION stranger DISABLE");
                statement.execute("DROP SUBSCRIPTION stranger");
            }
        }
        assertThat(gate("subscriptions").ok()).isTrue();
    }

    @Test
    void aParkedKeyClosesItsGate() {
        scene.target.execute("ALTER TABLE account ADD CONSTRAINT nice CHECK (balance <> 666)");
        scene.source.execute("UPDATE account SET balance = 666 WHERE id = 3");
        awaitGate("rejected", false);
        assertThat(gate("rejected").reason()).contains("1 not applied");
        scene.target.execute("ALTER TABLE account DROP CONSTRAINT nice");

        migration
                .rejected()
                .change(
                        new RejectedChange(
                                RejectedChange.Action.RETRY,
                                Set.of(),
                                "",
                                Optional.empty(),
                                Optional.empty(),
                                false));

        awaitGate("rejected", true);
    }

    private void awaitGate(String name, boolean open) {
        Awaitility.await()
                .atMost(Waits.LIMIT)
                .untilAsserted(() -> assertThat(gate(name).ok()).isEqualTo(open));
    }

    @Test
    void aConstraintThatIsNotValidatedClosesItsGate() {
        scene.target.execute(
                "ALTER TABLE account ADD CONSTRAINT positive CHECK (balance > 0) NOT VALID");
        assertThat(gate("target-constraints").reason()).contains("account.positive");
        scene.target.execute("ALTER TABLE account VALIDATE CONSTRAINT positive");
        assertThat(gate("target-constraints").ok()).isTrue();
    }

    @Test
    void aDefaultThatTheTargetLacksIsReportedAndClosesItsGate() {
        scene.target.execute("ALTER TABLE account ALTER balance DROP DEFAULT");

        SchemaFinding found =
                Objects.requireNonNull(scene.reconcile().schema()).findings().getFirst();
        Gate gate = gate("parity");

        assertThat(found.object()).isEqualTo("public.account.balance");
        assertThat(gate.reason()).isEqualTo(found.sentence());
        assertThat(gate.forceable()).isTrue();
        scene.target.execute(found.remedy());
        assertThat(gate("parity").ok()).isTrue();
        assertThat(Objects.requireNonNull(scene.reconcile().schema()).findings())
                .doesNotContain(found);
    }

    @Test
    void anotherProgramUnderTheLoginRoleClosesItsGate() throws Exception {
        try (Connection stranger =
                new TestDatabase(scene.source.url(), scene.sourceLogin(), GrantedLogins.PASSWORD)
                        .connect()) {
            stranger.createStatement().execute("SET application_name = 'psql'");
            assertThat(gate("login-role").reason()).contains("(psql)");
        }
        Awaitility.await()
                .atMost(Waits.LIMIT)
                .untilAsserted(() -> assertThat(gate("login-role").ok()).isTrue());
    }

    /// vitess#16794: a switch was allowed although nothing could come back.
    @Test
    void aWayBackThatCannotBeWrittenClosesItsGate() {
        scene.source.execute("CREATE RULE noisy AS ON UPDATE TO account DO ALSO NOTHING");
        try {
            assertThat(gate("way-back").reason()).contains("rule noisy");
            assertThatThrownBy(() -> migration.move(ask(Action.MOVE)))
                    .isInstanceOf(RefusedException.class)
                    .hasMessageContaining("Gate way-back is closed");
        } finally {
            scene.source.execute("DROP RULE noisy ON account");
        }
        assertThat(gate("way-back").ok()).isTrue();
    }

    @Test
    void aRenamedColumnClosesPlanAndSchema() {
        scene.target.execute("ALTER TABLE account RENAME balance TO amount");
        try {
            assertThat(gate("plan").reason()).contains("balance");
            assertThat(gate("schema").ok()).isFalse();
        } finally {
            scene.target.execute("ALTER TABLE account RENAME amount TO balance");
        }
        assertThat(gate("plan").ok()).isTrue();
        assertThat(gate("schema").ok()).isTrue();
    }
}
