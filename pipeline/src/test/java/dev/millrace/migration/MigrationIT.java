package dev.millrace.migration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.tuple;

import dev.millrace.control.GenerationStore.Generation;
import dev.millrace.reconcile.ReconciliationReport;
import dev.millrace.reconcile.ReconciliationReport.Verdict;
import dev.millrace.replication.GenerationStart.Rows;
import dev.millrace.replication.RefusedException;
import dev.millrace.testing.OddNames;
import dev.millrace.testing.Waits;
import dev.millrace.verdict.Reconciliations.ReconciliationState;
import dev.millrace.verdict.Reconciliations.Unfinished;
import java.sql.Connection;
import java.time.Duration;
import java.util.List;
import java.util.UUID;
import org.awaitility.Awaitility;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

/// A migration from its start to in sync, its restarts, its failures and its reconciliations.
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class MigrationIT {

    /// For tests that leave it in sync.
    private MigrationScene running;

    @BeforeAll
    void start() throws Exception {
        running =
                new MigrationScene()
                        .table("item", "id int PRIMARY KEY, name text")
                        .table("other", "id int PRIMARY KEY, name text");
        running.source.execute("INSERT INTO item VALUES (1, 'one')");
        running.start();
        running.awaitPhase("IN_SYNC");
    }

    @AfterAll
    void close() {
        running.close();
    }

    @Test
    void copiesATableAppliesItsChangesAndFindsItEqual() throws Exception {
        try (MigrationScene scene = new MigrationScene()) {
            scene.table("item", "id int PRIMARY KEY, name text, price numeric(12,2)");
            scene.source.execute(
                    "INSERT INTO item SELECT g, 'n' || g, g / 3.0 FROM generate_series(1, 5000) g");
            scene.start();
            scene.awaitPhase("IN_SYNC");
            scene.source.execute(
                    "UPDATE item SET name = NULL WHERE id % 7 = 0",
                    "DELETE FROM item WHERE id % 11 = 0",
                    "INSERT INTO item VALUES (9001, 'tab\there', 1)");

            assertThat(scene.reconcile().verdict()).isEqualTo(Verdict.EQUAL);
            assertThat(scene.target.value("SELECT count(*) FROM item"))
                    .isEqualTo(scene.source.value("SELECT count(*) FROM item"));
        }
    }

    @Test
    void acceptsTableAndColumnNamesOfAnyCharacters() throws Exception {
        String odd = OddNames.QUOTED;
        try (MigrationScene scene = new MigrationScene()) {
            scene.source.execute("CREATE TYPE \"50% off\" AS ENUM ('100%', '?', '{fn x}')");
            scene.target.execute("CREATE TYPE \"50% off\" AS ENUM ('100%', '?', '{fn x}')");
            scene.table(OddNames.NAME, odd + " int PRIMARY KEY, \"%s\" \"50% off\", \"?\" text");
            scene.source.execute(
                    "INSERT INTO " + odd + " SELECT g, '100%', 'x' FROM generate_series(1, 20) g");
            scene.start();
            scene.awaitPhase("IN_SYNC");
            scene.source.execute(
                    "UPDATE " + odd + " SET \"%s\" = '?' WHERE " + odd + " % 3 = 0",
                    "DELETE FROM " + odd + " WHERE " + odd + " % 5 = 0");
            assertThat(scene.reconcile().verdict()).isEqualTo(Verdict.EQUAL);
            scene.target.execute("UPDATE " + odd + " SET \"?\" = NULL WHERE " + odd + " = 1");

            assertThat(scene.reconcile().verdict()).isEqualTo(Verdict.DIFFERENT);
            scene.stop();
            Generation second = scene.withGenerations(all -> all.next(all.resume(), Rows.EMPTIED));

            assertThat(second.number()).isEqualTo(2);
            assertThat(scene.target.value("SELECT count(*) FROM " + odd)).isEqualTo("0");
        }
    }

    @Test
    void restartContinuesWhereTheMigrationStopped() throws Exception {
        running.awaitPhase("IN_SYNC");
        running.source.execute(
                "INSERT INTO item SELECT g, 'n' || g FROM generate_series(101, 200) g");
        running.stop();
        running.source.execute(
                "INSERT INTO item SELECT g, 'n' || g FROM generate_series(201, 300) g");
        running.start();

        assertThat(running.reconcile().verdict()).isEqualTo(Verdict.EQUAL);
        assertThat(running.target.value("SELECT count(*) FROM item WHERE id > 100"))
                .isEqualTo("200");
        assertThat(running.running().status().generation()).isEqualTo(1);
    }

    @Test
    void refusesASecondServiceOfTheSameMigration() throws Exception {
        assertThatThrownBy(running::startAnother)
                .isInstanceOf(RefusedException.class)
                .hasMessageContaining("Another Millrace process runs migration");
    }

    @Test
    void stopsWithoutItsLockAndContinuesOnlyIfNoOtherProcessRan() throws Exception {
        try (MigrationScene scene = new MigrationScene()) {
            scene.table("item", "id int PRIMARY KEY, name text");
            scene.start();
            scene.awaitPhase("IN_SYNC");

            try (Connection _ = scene.takeOwnership()) {
                awaitBlocker(scene, "Another Millrace process runs migration");
                Awaitility.await().atMost(Waits.LIMIT).until(() -> !scene.streams());
                assertThat(scene.running().status().phase()).isEqualTo("CATCHING_UP");
                assertThat(scene.running().ready()).isFalse();
            }
            scene.awaitPhase("IN_SYNC");

            String journal = scene.target.value("SELECT count(*) FROM millrace.journal");
            try (Connection other = scene.takeOwnership()) {
                other.createStatement().execute("UPDATE millrace.owner SET epoch = epoch + 1");
            }
            scene.awaitPhase("FAILED");
            awaitBlocker(scene, "another Millrace process has run the migration since");
            assertThat(scene.streams()).isFalse();
            assertThat(scene.target.value("SELECT count(*) FROM millrace.journal"))
                    .isEqualTo(journal);
        }
    }

    private static void awaitBlocker(MigrationScene scene, String text) {
        Awaitility.await()
                .atMost(Waits.LIMIT)
                .pollInterval(Duration.ofMillis(50))
                .untilAsserted(
                        () ->
                                assertThat(scene.running().status().blockers().toString())
                                        .contains(text));
    }

    @Test
    void interruptedSnapshotStartsANewGeneration() throws Exception {
        try (MigrationScene scene = new MigrationScene();
                SnapshotGate gate = SnapshotGate.closed(scene)) {
            scene.start();
            gate.awaitReader();
            scene.source.execute("DELETE FROM item WHERE id % 2 = 0");
            gate.interrupt();
            Awaitility.await()
                    .atMost(Waits.LIMIT)
                    .until(() -> scene.running().status().generation() == 2);
            scene.awaitPhase("IN_SYNC");

            assertThat(scene.running().status().generation()).isEqualTo(2);
            assertThat(scene.reconcile().verdict()).isEqualTo(Verdict.EQUAL);
            assertThat(scene.target.value("SELECT count(*) FROM item")).isEqualTo("10000");
            scene.stop();
            reconcilesWithAnOldWriterOpen(scene);
        }
    }

    /// The service starts while a writer is open, and the log does not begin at its first offset.
    private static void reconcilesWithAnOldWriterOpen(MigrationScene scene) throws Exception {
        try (Connection writer = scene.source.connect()) {
            writer.setAutoCommit(false);
            writer.createStatement().execute("DELETE FROM item WHERE id = 3");
            scene.start();
            scene.awaitFresh();
            scene.target.execute("DELETE FROM item WHERE id = 5");

            assertThat(scene.reconcile().verdict()).isEqualTo(Verdict.DIFFERENT);
        }
    }

    @Test
    void cancelsAReconciliationThatRunsAndOneThatWaits() throws Exception {
        running.awaitPhase("IN_SYNC");
        var before = running.reconcile();
        try (Connection other = running.source.connect()) {
            other.setAutoCommit(false);
            other.createStatement().execute("LOCK TABLE item IN ACCESS EXCLUSIVE MODE");
            UUID runs = running.running().reconcile(List.of());
            UUID waits = running.running().reconcile(List.of());
            running.awaitWaiting(running.source, "reconcile");
            assertThat(running.running().unfinishedReconciliations())
                    .extracting(Unfinished::id, Unfinished::state)
                    .containsExactly(tuple(runs, "running"), tuple(waits, "waiting"));

            assertCancelled(running, waits);
            assertCancelled(running, runs);
            assertThat(
                            running.target.query(
                                    "SELECT event, detail ->> 'what' FROM millrace.journal WHERE event"
                                            + " LIKE 'reconcile%' ORDER BY number DESC LIMIT 4"))
                    .isEqualTo(
                            List.of(
                                    List.of("reconcile-cancel", runs.toString()),
                                    List.of("reconcile-cancel", waits.toString()),
                                    List.of("reconcile", "every table"),
                                    List.of("reconcile", "every table")));
            assertThat(running.running().unfinishedReconciliations()).isEmpty();
            running.running().cancelReconciliation(runs);
            assertThat(
                            running.target.value(
                                    "SELECT count(*) FROM millrace.journal WHERE event ="
                                            + " 'reconcile-cancel'"))
                    .as("one that has ended is not cancelled again")
                    .isEqualTo("2");
        }
        assertThat(running.running().status().lastReconciliation())
                .as("a cancelled reconciliation does not count")
                .isEqualTo(known("equal", before, before));
    }

    private static void assertCancelled(MigrationScene scene, UUID id) throws Exception {
        assertThat(scene.running().cancelReconciliation(id).orElseThrow())
                .isInstanceOfSatisfying(
                        ReconciliationState.Finished.class,
                        finished -> {
                            assertThat(finished.report().verdict()).isEqualTo(Verdict.UNDECIDED);
                            assertThat(finished.report().reason()).isEqualTo("cancelled");
                        });
    }

    @Test
    void snapshotThatFailsTwiceAtTheSameRowIsNotRestarted() throws Exception {
        try (MigrationScene scene = new MigrationScene()) {
            String trap = "CREATE TYPE trap AS ENUM ('fine', 'gone')";
            scene.source.execute(trap);
            scene.target.execute(trap);
            scene.table("item", "id int PRIMARY KEY, value trap");
            scene.source.execute(
                    "INSERT INTO item SELECT g, (CASE g WHEN 15000 THEN 'gone' ELSE 'fine'"
                            + " END)::trap FROM generate_series(1, 20000) g",
                    "DELETE FROM pg_enum WHERE enumtypid = 'trap'::regtype AND enumlabel = 'gone'");
            scene.start();

            scene.awaitPhase("FAILED");

            assertThat(scene.running().status().generation()).isEqualTo(2);
            assertThat(scene.running().status().blockers().toString())
                    .contains("the snapshot failed twice for the same reason", "22P03", "restart")
                    .doesNotContain("internal value");
            assertThat(scene.running().ready()).isFalse();
        }
    }

    @Test
    void stoppedTableIsUndecidedWhileOtherTablesContinue() throws Exception {
        try (MigrationScene scene = new MigrationScene()) {
            scene.table("item", "id int PRIMARY KEY, name text")
                    .table("other", "id int PRIMARY KEY, name text");
            scene.start();
            scene.awaitPhase("IN_SYNC");
            scene.target.execute("ALTER TABLE item RENAME name TO other_name");
            scene.source.execute(
                    "INSERT INTO item VALUES (1, 'too long for it')",
                    "INSERT INTO other VALUES (1, 'flows')");

            var report = scene.reconcile();

            assertThat(report.tables())
                    .extracting(table -> table.target() + " " + table.verdict())
                    .containsExactly("public.item UNDECIDED", "public.other EQUAL");
            assertThat(scene.running().status().blockers().toString())
                    .contains("public.item is stopped")
                    .doesNotContain("too long for it");
            scene.awaitPhase("CATCHING_UP");
            assertThat(rejected(scene)).containsExactly(1L, 0L);
            scene.source.execute(
                    "UPDATE item SET name = 'b'",
                    "DELETE FROM item",
                    "INSERT INTO other VALUES (2)");
            scene.stop();
            scene.start();
            assertThat(rejected(scene)).as("unknown at first").doesNotContainSequence(0L, 0L);
            scene.awaitFresh();
            assertThat(rejected(scene)).containsExactly(3L, 0L);
            assertThat(scene.running().status().blockers()).hasSize(1);
            assertThat(scene.running().status().phase()).isEqualTo("CATCHING_UP");
        }
    }

    private static List<@Nullable Long> rejected(MigrationScene scene) {
        return scene.running().status().tables().stream()
                .<@Nullable Long>map(StatusReport.Table::rejected)
                .toList();
    }

    @Test
    void reconciliationOfOneTableCountsOnlyIfItFindsADifference() throws Exception {
        running.awaitPhase("IN_SYNC");
        var all = running.reconcile();

        assertThat(running.reconcile("public.other").verdict()).isEqualTo(Verdict.EQUAL);
        assertThat(running.running().status().lastReconciliation())
                .isEqualTo(known("equal", all, all));

        running.target.execute("DELETE FROM item WHERE id = 1");
        try {
            requireOfOneTable(all);
        } finally {
            // For the other tests.
            running.source.execute("UPDATE item SET name = name WHERE id = 1");
        }
    }

    private void requireOfOneTable(ReconciliationReport all) throws Exception {
        var one = running.reconcile("public.item");
        assertThat(running.reconcile("public.other").verdict()).isEqualTo(Verdict.EQUAL);
        assertThat(running.running().status().lastReconciliation())
                .isEqualTo(known("different", one, all));

        running.stop();
        running.start();
        assertThat(running.running().status().phase())
                .as("the lag is not known yet")
                .isEqualTo("CATCHING_UP");
        assertThat(running.running().status().lastReconciliation())
                .isEqualTo(known("different", one, all));
    }

    @Test
    void reportThatCannotBeStoredStaysAvailable() throws Exception {
        try (MigrationScene scene = new MigrationScene()) {
            scene.table("item", "id int PRIMARY KEY, name text");
            scene.source.execute("INSERT INTO item VALUES (1, 'one')");
            scene.start();
            scene.awaitPhase("IN_SYNC");
            scene.reconcile();
            scene.target.execute("DELETE FROM item", "DROP TABLE millrace.reconciliation");

            var report = scene.reconcile();

            assertThat(report.verdict()).isEqualTo(Verdict.DIFFERENT);
            assertThat(scene.running().status().lastReconciliation())
                    .isEqualTo(known("different", report, report));
        }
    }

    private static StatusReport.LastReconciliation known(
            String verdict, ReconciliationReport last, ReconciliationReport ofAll) {
        return new StatusReport.LastReconciliation(verdict, last.finishedAt(), ofAll.finishedAt());
    }
}
