package dev.millrace.capture;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.change.ChangeEvent;
import dev.millrace.lifecycle.ComponentState.Activity;
import dev.millrace.lifecycle.Failure;
import dev.millrace.testing.Waits;
import java.sql.Connection;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// The capture detects changes to its tables, including changes made while it was not running.
class TablesWatchedIT {

    private static final List<String> ITEM = List.of("id int", "name text");

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            textBlock =
                    """
                    ALTER TABLE z ADD COLUMN stamp timestamptz NOT NULL DEFAULT clock_timestamp() | 101
                    ALTER TABLE part DETACH PARTITION part_1; INSERT INTO part_1 VALUES (1, 'n'); ALTER TABLE part ATTACH PARTITION part_1 FOR VALUES FROM (0) TO (10) | 102
                    """)
    void alterationDuringSnapshotNeedsNewSnapshot(String change, int rows) throws Exception {
        try (CaptureScene scene = new CaptureScene();
                Connection gate = scene.source.connect();
                Statement gatekeeper = gate.createStatement()) {
            scene.source.execute(
                    "CREATE FUNCTION passed(timetz) RETURNS text LANGUAGE plpgsql VOLATILE AS"
                            + " $$ BEGIN PERFORM pg_advisory_lock_shared(4711); RETURN concat($1); END $$",
                    "CREATE CAST (timetz AS text) WITH FUNCTION passed(timetz)");
            scene.table("a", List.of("id int", "held timetz"), "id", false)
                    .table("part", ITEM, "id", false)
                    .table("z", ITEM, "id", false);
            scene.source.execute(
                    "DROP TABLE part",
                    "CREATE TABLE part (id int PRIMARY KEY, name text) PARTITION BY RANGE (id)",
                    "CREATE TABLE part_1 PARTITION OF part FOR VALUES FROM (0) TO (10)",
                    "INSERT INTO a VALUES (1, '12:00+00')",
                    "INSERT INTO z SELECT g, 'n' FROM generate_series(1, 100) g");
            gatekeeper.execute("SELECT pg_advisory_lock(4711)");
            SourceCapture capture = scene.start(1);
            Awaitility.await()
                    .atMost(Waits.LIMIT)
                    .until(
                            () ->
                                    !scene.source
                                            .query(
                                                    "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND objid = 4711 AND NOT granted")
                                            .isEmpty());

            scene.source.execute(change.split("; "));
            gatekeeper.execute("SELECT pg_advisory_unlock(4711)");

            Awaitility.await()
                    .atMost(Waits.LIMIT)
                    .until(
                            () -> {
                                scene.emit(1);
                                return CaptureScene.hasEnded(
                                        capture, Failure.SnapshotInterrupted.class);
                            });
            assertThat(scene.log()).noneMatch(ChangeEvent.Watermark.class::isInstance);
            SourceCapture again = scene.start(2);
            SourceCaptureIT.streaming(scene, again);
            assertThat(scene.log())
                    .filteredOn(event -> event.generation() == 2)
                    .filteredOn(ChangeEvent.Read.class::isInstance)
                    .hasSize(rows);
        }
    }

    @Test
    void writesNoWatermarkAfterTableWasSwapped() throws Exception {
        try (CaptureScene scene = new CaptureScene()) {
            scene.table("item", ITEM, "id", false);
            SourceCapture capture = scene.start(1);
            SourceCaptureIT.streaming(scene, capture);
            scene.awaitWatermark(capture);
            scene.source.execute(
                    "CREATE TABLE item_new (LIKE item INCLUDING ALL)",
                    "BEGIN; ALTER TABLE item RENAME TO item_old; ALTER TABLE item_new RENAME TO item; COMMIT",
                    "INSERT INTO item VALUES (1, 'unseen')");
            long late = scene.emit(capture).number();

            CaptureStartIT.awaitLost(
                    capture, "public.item has changed: another table has its name");

            assertThat(scene.log())
                    .noneMatch(
                            event ->
                                    event instanceof ChangeEvent.Watermark passed
                                            && passed.watermark().number() >= late);
        }
    }

    @Test
    void detectsAlterationMadeWhileStopped() throws Exception {
        try (CaptureScene scene = new CaptureScene()) {
            scene.table("item", ITEM, "id", false);
            scene.source.execute("INSERT INTO item VALUES (1, 'n')");
            SourceCapture first = scene.start(1);
            SourceCaptureIT.streaming(scene, first);
            scene.source.execute("VACUUM FULL item");
            scene.awaitWatermark(first);
            first.close();
            scene.source.execute("ALTER TABLE item ALTER name SET NOT NULL");
            SourceCapture second = scene.start(1);
            scene.awaitWatermark(second);
            second.close();

            scene.source.execute("ALTER TABLE item ALTER name TYPE text USING upper(name)");

            CaptureStartIT.awaitLost(scene.start(1), "ALTER COLUMN TYPE with USING");
        }
    }

    @Test
    void capturesTruncateOfPartitionedTableButNotOfPartition() throws Exception {
        try (CaptureScene scene = new CaptureScene()) {
            scene.table("part", ITEM, "id", false);
            scene.source.execute(
                    "DROP TABLE part",
                    "CREATE TABLE part (id int PRIMARY KEY, name text) PARTITION BY RANGE (id)",
                    "CREATE TABLE part_1 PARTITION OF part FOR VALUES FROM (0) TO (10)",
                    "CREATE TABLE part_2 PARTITION OF part FOR VALUES FROM (10) TO (20)",
                    "INSERT INTO part VALUES (1, 'n'), (11, 'n')");
            SourceCapture first = scene.start(1);
            SourceCaptureIT.streaming(scene, first);
            scene.source.execute("TRUNCATE part", "INSERT INTO part VALUES (2, 'n')");
            scene.awaitWatermark(first);
            first.close();
            scene.source.execute("TRUNCATE part", "INSERT INTO part VALUES (3, 'n')");

            SourceCapture second = scene.start(1);
            scene.awaitWatermark(second);

            assertThat(scene.log())
                    .filteredOn(ChangeEvent.Truncate.class::isInstance)
                    .extracting(event -> ((ChangeEvent.Truncate) event).id())
                    .containsOnly(1L, 2L);
            scene.source.execute("TRUNCATE part", "TRUNCATE part_2");
            scene.emit(second);
            Awaitility.await()
                    .pollInterval(Duration.ofMillis(500))
                    .atMost(Waits.LIMIT)
                    .until(
                            () -> {
                                scene.emit(second);
                                return CaptureScene.hasEnded(second, Failure.Lost.class);
                            });
            assertThat(second.state().toString()).contains("public.part_2 was rewritten");
        }
    }

    @Test
    void rejectsChangesTopicThatLostItsEnd() throws Exception {
        try (CaptureScene scene = new CaptureScene()) {
            scene.table("item", ITEM, "id", false);
            runOnce(scene);
            scene.recreateChangesTopic();

            CaptureStartIT.awaitLost(scene.start(1), "the broker lost records");
        }
    }

    @Test
    void rejectsChangesAfterLastPosition() throws Exception {
        try (CaptureScene scene = new CaptureScene()) {
            scene.table("item", ITEM, "id", false);
            runOnce(scene);
            scene.writeToChanges(1, new byte[] {1});

            CaptureStartIT.awaitLost(scene.start(1), "the broker lost later positions");
        }
    }

    @Test
    void continuesAfterRecordsWereDeleted() throws Exception {
        try (CaptureScene scene = new CaptureScene()) {
            scene.table("item", ITEM, "id", false);
            runOnce(scene);
            scene.deleteChanges();

            SourceCapture second = scene.start(1);
            scene.awaitWatermark(second);

            assertThat(second.state()).matches(state -> state.isRunning(Activity.STREAMING));
        }
    }

    private static void runOnce(CaptureScene scene) throws Exception {
        SourceCapture capture = scene.start(1);
        SourceCaptureIT.streaming(scene, capture);
        scene.awaitWatermark(capture);
        capture.close();
    }
}
