package dev.millrace.migration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.millrace.flow.FlowChange;
import dev.millrace.reconcile.ReconciliationReport;
import dev.millrace.reconcile.ReconciliationReport.Verdict;
import dev.millrace.rejected.TableChange;
import dev.millrace.spec.MigrationSpec.Backfill;
import dev.millrace.testing.TestDatabase;
import dev.millrace.testing.Waits;
import java.io.IOException;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/// Partitions of a source table are attached, detached, dropped and truncated while the migration
/// runs. The stream carries none of it: what it lacks is read again, and nothing fails.
@Timeout(900)
class PartitionChangeIT {

    private static final String ROWS =
            "SELECT count(*) || md5(string_agg(p::text, ',' ORDER BY id)) FROM part p";

    private static MigrationScene scene() throws IOException {
        MigrationScene scene = new MigrationScene().backfill(Backfill.WINDOWS);
        scene.table("other", "id int PRIMARY KEY, v text").declared();
        scene.source.execute(
                "CREATE TABLE part (id int PRIMARY KEY, v text, body text) PARTITION BY RANGE (id)",
                "ALTER TABLE part ALTER body SET STORAGE EXTERNAL",
                "CREATE TABLE p0 PARTITION OF part FOR VALUES FROM (0) TO (1000)",
                "CREATE TABLE p1 PARTITION OF part FOR VALUES FROM (1000) TO (2000)",
                "INSERT INTO part SELECT g, 'v', repeat(md5(g::text), 80) FROM"
                        + " generate_series(0, 1999) g",
                "INSERT INTO other SELECT g, 'v' FROM generate_series(1, 100) g");
        scene.target.execute("CREATE TABLE part (id int PRIMARY KEY, v text, body text)");
        return scene;
    }

    private static void createStandAlone(MigrationScene scene, String name, int from, int to) {
        scene.grant();
        scene.source.execute(
                "CREATE TABLE " + name + " (LIKE part INCLUDING ALL)",
                "INSERT INTO %s SELECT g, 'new', repeat(md5(g::text), 80) FROM generate_series(%d, %d) g"
                        .formatted(name, from, to),
                // Windows read each partition under its own name.
                "GRANT SELECT ON " + name + " TO " + scene.sourceLogin());
    }

    private static void awaitEqual(MigrationScene scene) throws Exception {
        await().atMost(Waits.LIMIT)
                .untilAsserted(
                        () -> {
                            assertThat(scene.running().status().phase()).isNotEqualTo("FAILED");
                            assertThat(scene.target.value(ROWS))
                                    .as(() -> scene.running().status().toString())
                                    .isEqualTo(scene.source.value(ROWS));
                            assertThat(
                                            scene.target.value(
                                                    "SELECT count(*) FROM millrace.lost_changes"))
                                    .isEqualTo("0");
                        });
        scene.awaitPhase("IN_SYNC");
        ReconciliationReport report = scene.reconcile();
        assertThat(report.verdict()).as(report.toString()).isEqualTo(Verdict.EQUAL);
        assertThat(scene.running().status().generation()).isEqualTo(1);
        assertThat(scene.target.value("SELECT count(*) FROM millrace.parked_key")).isEqualTo("0");
    }

    private static void awaitBlocker(MigrationScene scene, String text) {
        await().atMost(Waits.LIMIT)
                .untilAsserted(
                        () ->
                                assertThat(scene.running().status().blockers().toString())
                                        .contains(text));
    }

    private static void change(MigrationScene scene, FlowChange.Action action) {
        scene.running()
                .change(new FlowChange(action, "", Optional.empty(), Optional.empty(), false));
    }

    /// Changes rows of every partition without end, most of them without their large value.
    private static final class Writers implements AutoCloseable {

        private final AtomicBoolean writing = new AtomicBoolean(true);
        private final CompletableFuture<Void> ended;

        Writers(TestDatabase source, int keys) {
            ended = CompletableFuture.runAsync(() -> write(source, keys));
        }

        private void write(TestDatabase source, int keys) {
            Random random = new Random(11);
            try (Connection connection = source.connect();
                    Statement statement = connection.createStatement()) {
                while (writing.get()) {
                    int key = random.nextInt(keys);
                    statement.execute(
                            switch (random.nextInt(4)) {
                                case 0 -> "DELETE FROM part WHERE id = " + key;
                                case 1 ->
                                        "UPDATE other SET v = v || 'x' WHERE id = "
                                                + random.nextInt(100);
                                default -> "UPDATE part SET v = v || 'x' WHERE id = " + key;
                            });
                }
            } catch (SQLException e) {
                throw new IllegalStateException(e);
            }
        }

        @Override
        public void close() {
            writing.set(false);
            ended.join();
        }
    }

    @Test
    void anAttachedPartitionIsReadWhileEverythingFlows() throws Exception {
        try (MigrationScene scene = scene()) {
            scene.start();
            scene.awaitPhase("IN_SYNC");
            createStandAlone(scene, "p2", 2000, 5999);

            try (Writers _ = new Writers(scene.source, 6000)) {
                scene.source.execute(
                        "ALTER TABLE part ATTACH PARTITION p2 FOR VALUES FROM (2000) TO (6000)");
                awaitReadAgain(scene, "public.part", "%received public.p2%");
            }

            awaitEqual(scene);
        }
    }

    /// A row of another partition keeps what only the target has.
    @Test
    void ofAnAttachedPartitionOnlyItsOwnRowsAreRead() throws Exception {
        try (MigrationScene scene = scene()) {
            scene.start();
            scene.awaitPhase("IN_SYNC");
            createStandAlone(scene, "p2", 2000, 2999);
            scene.writeTargetAsMigration("UPDATE part SET v = 'not read' WHERE id = 1");

            scene.source.execute(
                    "ALTER TABLE part ATTACH PARTITION p2 FOR VALUES FROM (2000) TO (3000)");
            awaitReadAgain(scene, "public.part", "%received public.p2%");

            assertThat(scene.target.value("SELECT count(*) FROM part")).isEqualTo("3000");
            assertThat(scene.target.value("SELECT v FROM part WHERE id = 1")).isEqualTo("not read");
        }
    }

    private static void awaitReadAgain(MigrationScene scene, String table, String reason) {
        await().atMost(Waits.LIMIT)
                .until(
                        () ->
                                !scene.target
                                        .query(
                                                "SELECT FROM millrace.rebackfill WHERE finished_at"
                                                        + " IS NOT NULL AND target = '%s' AND reason LIKE '%s'"
                                                                .formatted(table, reason))
                                        .isEmpty());
    }

    /// The target confirms the beginning of an operation to nobody: its connection is lost.
    @Test
    void anOperationWhoseBeginningWasNotConfirmedIsContinued() throws Exception {
        try (MigrationScene scene = scene()) {
            scene.start();
            scene.awaitPhase("IN_SYNC");
            scene.target.execute(
                    "INSERT INTO millrace.rebackfill (id, migration, target, generation, step, who,"
                            + " reason) VALUES (gen_random_uuid(), '%s', 'public.other', 1, 'start', 'test', 'unconfirmed')"
                                    .formatted(scene.name));

            scene.source.execute("DROP TABLE p1");
            awaitReadAgain(scene, "public.other", "unconfirmed");

            awaitEqual(scene);
        }
    }

    /// An operation without its loss would read every row, and the loss would need another one.
    @Test
    void anOperationBeginsOnlyWithTheLossThatItReads() throws Exception {
        try (MigrationScene scene = scene()) {
            scene.start();
            scene.awaitPhase("IN_SYNC");
            scene.target.execute(
                    "CREATE SEQUENCE covers",
                    "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN PERFORM"
                            + " nextval('public.covers'); RAISE EXCEPTION 'later' USING ERRCODE ="
                            + " '40001'; END $$",
                    "CREATE TRIGGER refuse BEFORE UPDATE ON millrace.lost_changes FOR EACH ROW"
                            + " EXECUTE FUNCTION refuse()",
                    "ALTER TABLE millrace.lost_changes ENABLE ALWAYS TRIGGER refuse");

            scene.source.execute("DROP TABLE p1");
            await().atMost(Waits.LIMIT)
                    .until(() -> "t".equals(scene.target.value("SELECT is_called FROM covers")));
            assertThat(scene.target.value("SELECT count(*) FROM millrace.rebackfill"))
                    .isEqualTo("0");
            scene.target.execute("DROP TRIGGER refuse ON millrace.lost_changes");

            awaitEqual(scene);
            assertThat(scene.target.value("SELECT count(*) FROM millrace.rebackfill"))
                    .isEqualTo("1");
        }
    }

    /// A kill between the record of the loss and the operation: no operation has its number.
    @Test
    void aLossWhoseOperationDidNotBeginIsReadAgain() throws Exception {
        try (MigrationScene scene = scene()) {
            scene.start();
            scene.awaitPhase("IN_SYNC");
            change(scene, new FlowChange.Action.Pause(FlowChange.Part.BACKFILL));
            scene.source.execute("DROP TABLE p1");
            awaitBlocker(scene, "lost public.p1");
            scene.stop();
            scene.target.execute(
                    "DELETE FROM millrace.rebackfill",
                    "UPDATE millrace.lost_changes SET operation = gen_random_uuid(), covered ="
                            + " findings");
            scene.start();
            change(scene, new FlowChange.Action.Resume(FlowChange.Part.BACKFILL));

            awaitEqual(scene);
        }
    }

    /// Its rows are missing on the target, which is neither a difference nor equal.
    @Test
    void noVerdictReliesOnATableThatAwaitsItsRead() throws Exception {
        try (MigrationScene scene = scene()) {
            scene.start();
            scene.awaitPhase("IN_SYNC");
            change(scene, new FlowChange.Action.Pause(FlowChange.Part.BACKFILL));
            createStandAlone(scene, "p2", 2000, 2999);
            scene.source.execute(
                    "ALTER TABLE part ATTACH PARTITION p2 FOR VALUES FROM (2000) TO (3000)");
            awaitBlocker(scene, "received public.p2");

            scene.awaitPhase("CATCHING_UP");
            assertThat(scene.reconcile("public.part").verdict()).isEqualTo(Verdict.UNDECIDED);
            assertThat(scene.reconcile("public.other").verdict()).isEqualTo(Verdict.EQUAL);
            scene.stop();
            scene.start();
            awaitBlocker(scene, "received public.p2");
            assertThat(scene.reconcile("public.part").verdict()).isEqualTo(Verdict.UNDECIDED);
            scene.source.execute("UPDATE other SET v = 'flows'");
            await().atMost(Waits.LIMIT)
                    .until(
                            () ->
                                    "100"
                                            .equals(
                                                    scene.target.value(
                                                            "SELECT count(*) FROM other WHERE v ="
                                                                    + " 'flows'")));
            change(scene, new FlowChange.Action.Resume(FlowChange.Part.BACKFILL));

            awaitEqual(scene);
        }
    }

    @Test
    void rowsOfAPartitionThatLeavesAreDeleted() throws Exception {
        try (MigrationScene scene = scene()) {
            createStandAlone(scene, "p2", 2000, 2099);
            scene.source.execute(
                    "ALTER TABLE part ATTACH PARTITION p2 FOR VALUES FROM (2000) TO (3000)");
            scene.start();
            scene.awaitPhase("IN_SYNC");

            scene.source.execute("ALTER TABLE part DETACH PARTITION p0");
            awaitEqual(scene);
            scene.source.execute("TRUNCATE p1", "INSERT INTO part VALUES (1001, 'after', 'b')");
            awaitEqual(scene);
            scene.source.execute("DROP TABLE p2");
            awaitEqual(scene);
            scene.source.execute("ALTER TABLE part DETACH PARTITION p1 CONCURRENTLY");
            awaitEqual(scene);

            assertThat(scene.target.value("SELECT count(*) FROM part")).isEqualTo("0");
        }
    }

    /// The same object id and the same file, and no event of the changes in between.
    @Test
    void aPartitionThatWasDetachedChangedAndAttachedIsReadAgain() throws Exception {
        try (MigrationScene scene = scene()) {
            scene.start();
            scene.awaitPhase("IN_SYNC");

            scene.source.execute(
                    "ALTER TABLE part DETACH PARTITION p0",
                    "UPDATE p0 SET v = 'meanwhile' WHERE id % 3 = 0",
                    "DELETE FROM p0 WHERE id % 5 = 0",
                    "ALTER TABLE part ATTACH PARTITION p0 FOR VALUES FROM (0) TO (1000)");
            awaitEqual(scene);

            assertThat(scene.target.value("SELECT count(*) FROM part WHERE v = 'meanwhile'"))
                    .isEqualTo(
                            scene.source.value("SELECT count(*) FROM part WHERE v = 'meanwhile'"))
                    .isNotEqualTo("0");
        }
    }

    @Test
    void aPartitionIsAttachedAndDroppedWhileTheServiceIsStoppedOrReads() throws Exception {
        try (MigrationScene scene = scene()) {
            scene.start();
            scene.awaitPhase("IN_SYNC");
            createStandAlone(scene, "p2", 2000, 2999);
            scene.stop();
            scene.source.execute(
                    "ALTER TABLE part ATTACH PARTITION p2 FOR VALUES FROM (2000) TO (3000)",
                    "DROP TABLE p0");
            scene.start();
            awaitEqual(scene);
            createStandAlone(scene, "p3", 3000, 3999);

            change(scene, new FlowChange.Action.Pause(FlowChange.Part.BACKFILL));
            scene.source.execute(
                    "ALTER TABLE part ATTACH PARTITION p3 FOR VALUES FROM (3000) TO (4000)");
            awaitBlocker(scene, "received public.p3");
            scene.source.execute("DROP TABLE p1");
            await().atMost(Waits.LIMIT)
                    .until(
                            () ->
                                    "2"
                                            .equals(
                                                    scene.target.value(
                                                            "SELECT max(findings) FROM"
                                                                    + " millrace.lost_changes")));
            change(scene, new FlowChange.Action.Resume(FlowChange.Part.BACKFILL));
            awaitEqual(scene);
        }
    }

    @Test
    void aTablePausesForPartitionsIfTheFileSaysSo() throws Exception {
        try (MigrationScene scene = scene().pausingPartitions("part")) {
            scene.start();
            scene.awaitPhase("IN_SYNC");
            createStandAlone(scene, "p2", 2000, 2999);
            scene.source.execute(
                    "ALTER TABLE part ATTACH PARTITION p2 FOR VALUES FROM (2000) TO (3000)");
            await().atMost(Waits.LIMIT)
                    .until(
                            () ->
                                    !scene.target
                                            .query(
                                                    "SELECT FROM millrace.stopped_table UNION ALL"
                                                            + " SELECT FROM millrace.rebackfill")
                                            .isEmpty());
            assertThat(scene.target.value("SELECT count(*) FROM millrace.rebackfill"))
                    .as("operations that begin by themselves")
                    .isEqualTo("0");
            awaitBlocker(scene, "--accept-schema");
            assertThat(scene.running().status().blockers().toString())
                    .contains("table public.part is stopped", "received public.p2");
            scene.source.execute("UPDATE part SET v = 'waits' WHERE id = 1");
            assertThat(scene.reconcile("public.other").verdict()).isEqualTo(Verdict.EQUAL);
            assertThat(scene.target.value("SELECT count(*) FROM part")).isEqualTo("2000");

            await().atMost(Waits.LIMIT)
                    .untilAsserted(
                            () ->
                                    assertThat(
                                                    scene.running()
                                                            .rejected()
                                                            .resume(
                                                                    new TableChange(
                                                                            "public.part",
                                                                            true,
                                                                            "",
                                                                            Optional.of("ann"),
                                                                            Optional.empty(),
                                                                            false)))
                                            .contains("continues"));
            awaitEqual(scene);
        }
    }
}
