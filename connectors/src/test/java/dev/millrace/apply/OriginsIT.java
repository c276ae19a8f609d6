package dev.millrace.apply;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.millrace.apply.origin.ReplicaRole;
import dev.millrace.apply.origin.SessionOrigin;
import dev.millrace.apply.origin.SessionOrigin.OriginUse;
import dev.millrace.change.Row;
import dev.millrace.change.RowSchema;
import dev.millrace.control.SessionSource.TargetSessions;
import dev.millrace.grants.GrantedLogins;
import dev.millrace.lifecycle.ComponentState;
import dev.millrace.postgres.ReplicationOrigins;
import java.sql.Connection;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

/// The transactions of apply carry replication origins, by the target's WAL.
class OriginsIT {

    private static final RowSchema ITEM = ApplierScenario.rowSchema("item", "id", "v");
    private static final String[] TABLES = {
        "CREATE TABLE item (id int PRIMARY KEY, v text)",
        "CREATE PUBLICATION all_items FOR TABLE item"
    };
    private static final List<String> FUNCTIONS = ReplicationOrigins.FUNCTIONS;

    private static Row item(int id) {
        return Row.of(ITEM, Integer.toString(id), "x");
    }

    /// A slot of the target, read as the capture of the opposite stream reads it.
    private record Wal(ApplierScenario scenario) implements AutoCloseable {

        static Wal of(ApplierScenario scenario) {
            scenario.database.query(
                    "SELECT pg_create_logical_replication_slot('"
                            + scenario.migration
                            + "', 'pgoutput')");
            return new Wal(scenario);
        }

        private List<String> messages(String type, String value) {
            return scenario
                    .database
                    .query(
                            "SELECT "
                                    + value
                                    + " FROM pg_logical_slot_peek_binary_changes('"
                                    + scenario.migration
                                    + "', NULL, NULL, 'proto_version', '1', 'publication_names',"
                                    + " 'all_items') WHERE get_byte(data, 0) = ascii('"
                                    + type
                                    + "')")
                    .stream()
                    .map(row -> String.valueOf(row.getFirst()))
                    .toList();
        }

        /// Of each transaction, empty for one without.
        List<String> origins() {
            return messages("O", "convert_from(substr(data, 10, length(data) - 10), 'UTF8')");
        }

        List<String> commitTimes() {
            return messages("B", "encode(substr(data, 10, 8), 'hex')");
        }

        @Override
        public void close() {
            scenario.database.query(
                    "SELECT pg_drop_replication_slot('" + scenario.migration + "')");
        }
    }

    private static TargetApplier start(
            ApplierScenario scenario, TargetSessions sessions, OriginUse use) {
        TargetApplier applier =
                scenario.applier(ApplierScenario.limits(10), sessions, ReplicaRole.ORIGIN, use);
        applier.start();
        return applier;
    }

    private static void execute(ApplierScenario scenario, String verb, String preposition) {
        scenario.database.execute(
                verb
                        + " EXECUTE ON FUNCTION "
                        + String.join(", ", FUNCTIONS)
                        + preposition
                        + scenario.login.name());
    }

    @Test
    void everyWriterMarksEveryTransactionWithItsOwnOrigin() throws Exception {
        try (var scenario = new ApplierScenario(2, TABLES);
                Wal wal = Wal.of(scenario)) {
            GrantedLogins.target(scenario.database);
            TargetApplier applier = start(scenario, scenario.sessions(), OriginUse.REQUIRED);
            Set<String> names = new TreeSet<>();
            int sent = 0;
            while (names.size() < 2 && sent < 400) {
                scenario.upsert(0, item(sent++));
                scenario.upsert(1, item(sent++));
                scenario.awaitApplied();
                names.addAll(wal.origins());
            }
            scenario.truncate(0, ITEM.table(), 1);
            scenario.truncate(1, ITEM.table(), 1);
            scenario.awaitApplied();

            assertThat(names)
                    .containsExactly(
                            ReplicationOrigins.name(scenario.migration, 1),
                            ReplicationOrigins.name(scenario.migration, 2));
            assertThat(wal.messages("T", "1")).hasSize(1);
            assertThat(wal.origins()).hasSameSizeAs(wal.commitTimes());
            assertThat(wal.commitTimes())
                    .as("each transaction has its own commit time")
                    .doesNotHaveDuplicates()
                    .doesNotContain("0".repeat(16));
            assertThat(applier.marksItsTransactions()).isTrue();
            assertThat(applier.unmarkedBecause()).isEmpty();
        }
    }

    @Test
    void aRoleWithoutPrivilegeWritesNothingWhereAnOriginIsRequired() throws Exception {
        try (var scenario = new ApplierScenario(1, TABLES);
                Wal wal = Wal.of(scenario)) {
            execute(scenario, "REVOKE", " FROM ");
            TargetApplier applier = start(scenario, scenario.sessions(), OriginUse.REQUIRED);
            scenario.upsert(0, item(1));
            scenario.awaitWaiting(
                    applier,
                    "In database "
                            + scenario.database.name()
                            + " run: GRANT EXECUTE ON FUNCTION pg_catalog.pg_replication_origin_create(text), ");
            assertThat(scenario.database.value("SELECT count(*) FROM item")).isEqualTo("0");
            assertThat(applier.marksItsTransactions()).isFalse();

            execute(scenario, "GRANT", " TO ");
            scenario.awaitApplied();
            scenario.awaitState(applier, ComponentState.Running.class);
            assertThat(wal.origins()).hasSize(1);
            assertThat(applier.marksItsTransactions()).isTrue();
        }
    }

    @Test
    void aRoleWithoutPrivilegeWritesUnmarkedUntilItsSessionsAreReopened() throws Exception {
        try (var scenario = new ApplierScenario(1, TABLES);
                Wal wal = Wal.of(scenario)) {
            execute(scenario, "REVOKE", " FROM ");
            TargetApplier applier = start(scenario, scenario.sessions(), OriginUse.IF_PERMITTED);
            scenario.upsert(0, item(1));
            scenario.awaitApplied();
            assertThat(wal.commitTimes()).hasSize(1);
            assertThat(wal.origins()).isEmpty();
            assertThat(applier.marksItsTransactions()).isFalse();
            assertThat(applier.unmarkedBecause()).get().asString().contains("GRANT EXECUTE");

            execute(scenario, "GRANT", " TO ");
            applier.reopenSessions(OriginUse.REQUIRED);
            scenario.upsert(0, item(2));
            scenario.awaitApplied();
            assertThat(wal.commitTimes()).hasSize(2);
            assertThat(wal.origins()).hasSize(1);
            await().until(applier::marksItsTransactions);

            execute(scenario, "REVOKE", " FROM ");
            applier.reopenSessions(OriginUse.REQUIRED);
            scenario.upsert(0, item(3));
            scenario.awaitWaiting(applier, "GRANT EXECUTE");
            assertThat(scenario.database.value("SELECT count(*) FROM item")).isEqualTo("2");
        }
    }

    @Test
    void noTaskIsLostWhenSessionsAreReopened() throws Exception {
        try (var scenario = new ApplierScenario(2, TABLES);
                Wal wal = Wal.of(scenario)) {
            TargetApplier applier = start(scenario, scenario.sessions(), OriginUse.IF_PERMITTED);
            for (int id = 0; id < 1000; id += 2) {
                scenario.upsert(0, item(id));
                scenario.upsert(1, item(id + 1));
                if (id % 50 == 0) {
                    applier.reopenSessions(OriginUse.IF_PERMITTED);
                }
            }
            scenario.awaitApplied();

            assertThat(scenario.database.value("SELECT count(*) FROM item")).isEqualTo("1000");
            assertThat(wal.messages("I", "1")).as("no change is applied twice").hasSize(1000);
            assertThat(wal.origins()).hasSameSizeAs(wal.commitTimes());
        }
    }

    /// The server notices only later that a process was killed.
    @Test
    void usesAnotherOriginWhileASessionThatWasLeftHasItsOwn() throws Exception {
        try (var scenario = new ApplierScenario(1, TABLES);
                Wal wal = Wal.of(scenario)) {
            List<Connection> left = new ArrayList<>();
            try {
                left.add(holding(scenario, 1));
                left.add(holding(scenario, 2));
                start(scenario, scenario.sessions(), OriginUse.REQUIRED);
                scenario.upsert(0, item(1));
                scenario.awaitApplied();
                assertThat(wal.origins()).hasSize(1).isSubsetOf(spare(scenario));
            } finally {
                for (Connection each : left) {
                    each.close();
                }
            }
        }
    }

    @Test
    void waitsUntilASessionThatWasLeftEnds() throws Exception {
        try (var scenario = new ApplierScenario(1, TABLES);
                Wal wal = Wal.of(scenario)) {
            List<Connection> left = new ArrayList<>();
            try {
                for (int number = 1; number <= 4; number++) {
                    left.add(holding(scenario, number));
                }
                TargetApplier applier =
                        start(scenario, scenario.sessions(), OriginUse.IF_PERMITTED);
                scenario.upsert(0, item(1));
                scenario.awaitWaiting(applier, "have the replication origins");
                assertThat(scenario.database.value("SELECT count(*) FROM item")).isEqualTo("0");

                left.removeLast().close();
                left.removeLast().close();
                scenario.awaitApplied();
                assertThat(wal.origins()).hasSize(1).isSubsetOf(spare(scenario));
            } finally {
                for (Connection each : left) {
                    each.close();
                }
            }
        }
    }

    @Test
    void theSessionThatEmptiesTheTablesIsMarked() throws Exception {
        try (var scenario = new ApplierScenario(1, TABLES);
                Wal wal = Wal.of(scenario);
                Connection connection = scenario.login.connect();
                var statement = connection.createStatement()) {
            GrantedLogins.target(scenario.database);
            SessionOrigin.Setup setup =
                    new SessionOrigin.Setup(scenario.migration, 1, 2, OriginUse.REQUIRED);

            assertThat(setup.after(_ -> Optional.of("no")).prepare(connection)).contains("no");
            assertThat(setup.after(ReplicaRole.required(ReplicaRole.ORIGIN)).prepare(connection))
                    .isEmpty();
            statement.execute("TRUNCATE item");

            assertThat(wal.messages("T", "1")).hasSize(1);
            assertThat(wal.origins()).containsExactly(name(scenario, 1));
        }
    }

    private static String name(ApplierScenario scenario, int number) {
        return ReplicationOrigins.name(scenario.migration, number);
    }

    private static List<String> spare(ApplierScenario scenario) {
        return List.of(name(scenario, 3), name(scenario, 4));
    }

    private static Connection holding(ApplierScenario scenario, int number) throws Exception {
        Connection connection = scenario.login.connect();
        try (var statement = connection.createStatement()) {
            String name = name(scenario, number);
            statement.execute("SELECT pg_replication_origin_create('" + name + "')");
            statement.execute("SELECT pg_replication_origin_session_setup('" + name + "')");
        }
        return connection;
    }
}
