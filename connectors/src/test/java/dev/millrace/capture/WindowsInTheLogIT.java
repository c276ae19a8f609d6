package dev.millrace.capture;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.backfill.BackfillState;
import dev.millrace.backfill.Progress;
import dev.millrace.backfill.Progress.LeafVersion;
import dev.millrace.backfill.TidRange;
import dev.millrace.backfill.Window;
import dev.millrace.change.ChangeEvent;
import dev.millrace.change.Row;
import dev.millrace.change.RowKey;
import dev.millrace.change.RowSchema;
import dev.millrace.change.TableId;
import dev.millrace.change.WatermarkNumber;
import dev.millrace.lifecycle.ComponentState.Activity;
import dev.millrace.spec.MigrationSpec.Backfill;
import dev.millrace.testing.Waits;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/// Where the rows of a window stand in the log, and what of the backfill survives a restart.
@Timeout(900)
class WindowsInTheLogIT {

    private static final TableId ITEM = new TableId("public", "item");
    private static final RowSchema ROW =
            RowSchema.keyed(ITEM, List.of("id", "name", "body"), List.of("id"));
    private static final LeafVersion LEAF = new LeafVersion(1, 1, "");

    /// Longer than what PostgreSQL keeps in the row itself.
    private static final String LARGE =
            "(SELECT string_agg(md5(i::text), '') FROM generate_series(1, 200) i)";

    private static CaptureScene scene() {
        return new CaptureScene()
                .backfill(Backfill.WINDOWS)
                .table("item", List.of("id int", "name text", "body text"), "id", false);
    }

    /// One window of the table, read by this thread.
    private static Window open(SourceCapture capture) {
        return capture.windows().open(ITEM);
    }

    private static List<Row> read(CaptureScene scene, String where) {
        List<Row> rows = new ArrayList<>();
        scene.source
                .query("SELECT id, name, body FROM item WHERE " + where + " ORDER BY id")
                .forEach(row -> rows.add(Row.of(ROW, row.toArray(String[]::new))));
        return rows;
    }

    private static void close(
            CaptureScene scene, SourceCapture capture, Window window, List<Row> rows)
            throws InterruptedException {
        close(
                scene,
                capture,
                window,
                rows,
                new Progress.RangeRead(ITEM, LEAF, TidRange.ALL, rows.size()));
    }

    private static void close(
            CaptureScene scene,
            SourceCapture capture,
            Window window,
            List<Row> rows,
            Progress progress)
            throws InterruptedException {
        WatermarkNumber high = scene.emit(capture);
        window.close(high, rows, progress);
        awaitWritten(scene, capture, window);
    }

    /// The capture thread may have passed the high watermark before the window was closed. Then the
    /// next batch writes the window, so there must be one: a service emits watermarks at intervals.
    private static void awaitWritten(CaptureScene scene, SourceCapture capture, Window window)
            throws InterruptedException {
        scene.emit(capture);
        assertThat(window.awaitWritten()).isEqualTo(Window.Outcome.WRITTEN);
    }

    private static SourceCapture start(CaptureScene scene) {
        SourceCapture capture = scene.start(1);
        // A watermark that precedes the slot is not in the stream.
        Awaitility.await()
                .atMost(Waits.LIMIT)
                .until(
                        () -> {
                            scene.emit(1);
                            return capture.state().isRunning(Activity.STREAMING);
                        });
        scene.awaitWatermark(capture);
        return capture;
    }

    private static BackfillState state(SourceCapture capture) {
        return Objects.requireNonNull(capture.backfill());
    }

    /// The changes of one key in the order of the log.
    private static List<ChangeEvent.OfRow> changes(CaptureScene scene, String id) {
        return scene.log().stream()
                .filter(ChangeEvent.OfRow.class::isInstance)
                .map(ChangeEvent.OfRow.class::cast)
                .filter(change -> id.equals(change.row().text(0)))
                .toList();
    }

    /// What the log says about each key in the end.
    private static Map<String, String> image(CaptureScene scene) {
        Map<String, String> names = new HashMap<>();
        for (ChangeEvent event : scene.log()) {
            switch (event) {
                case ChangeEvent.Delete delete -> names.remove(delete.row().text(0));
                case ChangeEvent.OfRow change ->
                        names.put(change.row().text(0), change.row().text(1));
                case ChangeEvent.Truncate _ -> names.clear();
                case ChangeEvent.Watermark _, ChangeEvent.BackfillComplete _ -> {}
            }
        }
        return names;
    }

    @Test
    void streamsFromASlotThatIsMadeBeforeAnyRowIsRead() throws Exception {
        try (CaptureScene scene = scene()) {
            scene.source.execute("INSERT INTO item VALUES (1, 'before', 'b')");

            SourceCapture capture = start(scene);
            scene.source.execute("INSERT INTO item VALUES (2, 'after', 'b')");
            scene.awaitWatermark(capture);

            assertThat(image(scene)).isEqualTo(Map.of("2", "after"));
            assertThat(state(capture).isComplete(ITEM)).isFalse();
        }
    }

    @Test
    void theRowsOfAWindowFollowEveryEventOfTheirBatch() throws Exception {
        try (CaptureScene scene = scene()) {
            scene.source.execute(
                    "INSERT INTO item SELECT g, 'old', 'b' FROM generate_series(1, 3) g");
            SourceCapture capture = start(scene);

            Window window = open(capture);
            List<Row> rows = read(scene, "true");
            scene.source.execute(
                    "UPDATE item SET name = 'new' WHERE id = 1", "DELETE FROM item WHERE id = 2");
            close(scene, capture, window, rows);
            scene.awaitWatermark(capture);

            assertThat(image(scene)).isEqualTo(Map.of("1", "new", "3", "old"));
            assertThat(state(capture).rows(ITEM)).isEqualTo(3);
        }
    }

    /// One batch contains the high watermark and later changes of rows that were read.
    @Test
    void anEventBetweenTheHighWatermarkAndTheRowsInOneBatch() throws Exception {
        try (CaptureScene scene = scene()) {
            scene.source.execute(
                    "INSERT INTO item SELECT g, 'old', " + LARGE + " FROM generate_series(1, 4) g");
            SourceCapture capture = start(scene);
            Window window = open(capture);
            List<Row> rows = read(scene, "true");

            // One transaction arrives in one batch: the high watermark and what follows it.
            scene.source.execute(
                    "BEGIN; INSERT INTO item SELECT g, 'fill', 'b' FROM generate_series(1000, 9000) g; COMMIT");
            WatermarkNumber high = scene.emit(capture);
            scene.source.execute(
                    "UPDATE item SET name = 'new' WHERE id = 1",
                    "DELETE FROM item WHERE id = 2",
                    "UPDATE item SET id = 5 WHERE id = 3");
            window.close(high, rows, new Progress.RangeRead(ITEM, LEAF, TidRange.ALL, 4));
            awaitWritten(scene, capture, window);
            scene.awaitWatermark(capture);

            assertThat(image(scene)).containsEntry("1", "new").containsEntry("4", "old");
            assertThat(image(scene)).doesNotContainKeys("2", "3");
        }
    }

    @Test
    void aPartialUpdateOfARowThatIsNotReadYetNeedsAKeyWindow() throws Exception {
        try (CaptureScene scene = scene()) {
            scene.source.execute("INSERT INTO item SELECT 7, 'old', " + LARGE);
            SourceCapture capture = start(scene);

            scene.source.execute("UPDATE item SET name = 'new' WHERE id = 7");
            scene.awaitWatermark(capture);

            RowKey key = RowKey.of(ITEM, "7");
            assertThat(changes(scene, "7")).singleElement().matches(ChangeEvent.OfRow::awaitsRead);
            assertThat(state(capture).isNeeded(key)).isTrue();

            Window window = open(capture);
            close(
                    scene,
                    capture,
                    window,
                    read(scene, "id = 7"),
                    new Progress.KeysRead(ITEM, Set.of(key)));
            scene.awaitWatermark(capture);

            assertThat(state(capture).needs()).isZero();
            assertThat(changes(scene, "7").getLast().row().isPartial()).isFalse();
        }
    }

    /// The event is in the log, and nobody asks for its row any more unless the log itself does.
    @Test
    void theNeedForAKeyWindowOutlivesTheProcess() throws Exception {
        try (CaptureScene scene = scene()) {
            scene.source.execute(
                    "INSERT INTO item SELECT g, 'old', " + LARGE + " FROM generate_series(7, 8) g");
            SourceCapture first = start(scene);
            close(scene, first, open(first), List.of(), new Progress.Started(ITEM));
            scene.source.execute("UPDATE item SET name = 'new' WHERE id IN (7, 8)");
            scene.awaitWatermark(first);
            close(
                    scene,
                    first,
                    open(first),
                    read(scene, "id = 8"),
                    new Progress.KeysRead(ITEM, Set.of(RowKey.of(ITEM, "8"))));
            close(
                    scene,
                    first,
                    open(first),
                    List.of(),
                    new Progress.RangeRead(ITEM, LEAF, new TidRange(0, 9), 3));
            first.close();

            SourceCapture second = start(scene);

            assertThat(state(second).needs(ITEM, 10)).containsExactly(RowKey.of(ITEM, "7"));
            assertThat(state(second).isStarted(ITEM)).isTrue();
            assertThat(state(second).rows(ITEM)).isEqualTo(3);
            assertThat(state(second).read(LEAF).orElseThrow().done().ranges())
                    .containsExactly(new TidRange(0, 9));
        }
    }

    @Test
    void aPartialInsertAwaitsItsReadEvenAfterTheBackfill() throws Exception {
        try (CaptureScene scene = scene()) {
            scene.source.execute(
                    "INSERT INTO item SELECT g, 'old', " + LARGE + " FROM generate_series(1, 2) g");
            SourceCapture capture = start(scene);
            close(scene, capture, open(capture), read(scene, "true"));
            close(scene, capture, open(capture), List.of(), new Progress.Complete(ITEM, 0));

            scene.source.execute(
                    "UPDATE item SET name = 'copied' WHERE id = 2",
                    "UPDATE item SET id = 3 WHERE id = 1",
                    "UPDATE item SET name = 'new' WHERE id = 3");
            scene.awaitWatermark(capture);

            assertThat(changes(scene, "2").getLast().awaitsRead()).isFalse();
            assertThat(changes(scene, "3")).hasSize(2).allMatch(ChangeEvent.OfRow::awaitsRead);
            assertThat(state(capture).needs(ITEM, 10)).containsExactly(RowKey.of(ITEM, "3"));
            assertThat(scene.log())
                    .filteredOn(ChangeEvent.BackfillComplete.class::isInstance)
                    .as("in every partition")
                    .hasSize(CaptureScene.PARTITIONS);
        }
    }

    @Test
    void aWindowOfAnEarlierRunIsNeverWritten() throws Exception {
        try (CaptureScene scene = scene()) {
            scene.source.execute("INSERT INTO item VALUES (1, 'old', 'b')");
            SourceCapture capture = start(scene);
            Window window = open(capture);
            window.close(
                    new WatermarkNumber(1, Long.MAX_VALUE),
                    read(scene, "true"),
                    new Progress.RangeRead(ITEM, LEAF, TidRange.ALL, 1));

            scene.source.query(
                    "SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE active");

            assertThat(window.awaitWritten()).isEqualTo(Window.Outcome.DISCARDED);
            scene.awaitWatermark(capture);
            assertThat(image(scene)).isEmpty();
        }
    }

    /// A process that ends before the first position is written has streamed nothing.
    @Test
    void aSlotWithoutAPositionIsMadeAgain() throws Exception {
        try (CaptureScene scene = scene()) {
            scene.source.execute(
                    "SELECT pg_create_logical_replication_slot('"
                            + CaptureSettings.slot(scene.migration)
                            + "', 'pgoutput')",
                    "INSERT INTO item VALUES (1, 'before', 'b')");

            start(scene);

            assertThat(image(scene)).isEmpty();
        }
    }

    @Test
    void theEnginesSnapshotEndsWithTheCompleteMarkers() throws Exception {
        try (CaptureScene scene = scene().backfill(Backfill.ENGINE)) {
            scene.source.execute("INSERT INTO item VALUES (1, 'old', 'b')");
            SourceCapture capture = start(scene);

            assertThat(state(capture).isComplete(ITEM)).isTrue();
            assertThat(scene.log())
                    .filteredOn(ChangeEvent.BackfillComplete.class::isInstance)
                    .hasSize(CaptureScene.PARTITIONS);
            assertThat(image(scene)).isEqualTo(Map.of("1", "old"));
        }
    }
}
