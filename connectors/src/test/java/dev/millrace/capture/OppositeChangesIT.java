package dev.millrace.capture;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.capture.origin.ChangeOrigins.Foreign;
import dev.millrace.capture.position.SourcePosition;
import dev.millrace.change.ChangeEvent;
import dev.millrace.change.TableId;
import dev.millrace.testing.Waits;
import java.sql.Connection;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Objects;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;

/// The capture drops exactly what the opposite stream wrote to its source.
class OppositeChangesIT {

    private static final TableId ITEM = new TableId("public", "item");

    /// A session of the opposite stream's applier, or of another one.
    private static Connection writer(CaptureScene scene, String origin) throws Exception {
        Connection connection = scene.source.connect();
        try (var statement = connection.createStatement()) {
            statement.execute("SELECT pg_replication_origin_create('" + origin + "')");
            statement.execute("SELECT pg_replication_origin_session_setup('" + origin + "')");
        }
        return connection;
    }

    private static void write(CaptureScene scene, String origin, String... statements)
            throws Exception {
        try (Connection connection = writer(scene, origin);
                var statement = connection.createStatement()) {
            for (String each : statements) {
                statement.execute(each);
            }
        }
    }

    private static List<String> rows(CaptureScene scene) {
        return scene.log().stream()
                .filter(ChangeEvent.OfRow.class::isInstance)
                .map(event -> String.valueOf(((ChangeEvent.OfRow) event).row().text(1)))
                .sorted()
                .toList();
    }

    private static String opposite(CaptureScene scene) {
        return "_reverse_" + scene.migration;
    }

    private static CaptureScene scene() {
        CaptureScene scene = new CaptureScene();
        return scene.opposite(opposite(scene))
                .table("item", List.of("id int", "name text"), "id", false);
    }

    private static SourceCapture streaming(CaptureScene scene) {
        SourceCapture capture = scene.start(1);
        SourceCaptureIT.streaming(scene, capture);
        return capture;
    }

    @Test
    void dropsEveryKindOfChangeOfTheOppositeStreamAndNothingElse() throws Exception {
        try (CaptureScene scene = scene()) {
            SourceCapture capture = streaming(scene);
            String own = "millrace_" + opposite(scene);
            Instant before = Instant.now();

            write(
                    scene,
                    own + "_1",
                    "INSERT INTO item VALUES (1, 'own'), (2, 'own')",
                    "UPDATE item SET name = 'own too' WHERE id = 1",
                    "UPDATE item SET id = 20 WHERE id = 2",
                    "DELETE FROM item WHERE id = 20",
                    "TRUNCATE item");
            scene.source.execute("INSERT INTO item VALUES (3, 'after own')");
            write(scene, own + "_12", "INSERT INTO item VALUES (4, 'own')");
            write(scene, own + "_1_1", "INSERT INTO item VALUES (5, 'of _1')");
            write(scene, own + "x_1", "INSERT INTO item VALUES (6, 'of x')");
            write(scene, own + "_x", "INSERT INTO item VALUES (7, 'no number')");
            write(
                    scene,
                    "millrace_" + scene.migration + "_1",
                    "INSERT INTO item VALUES (8, 'of the same direction')");
            scene.awaitWatermark(capture);

            assertThat(rows(scene))
                    .containsExactly(
                            "after own", "no number", "of _1", "of the same direction", "of x");
            assertThat(scene.log()).noneMatch(ChangeEvent.Truncate.class::isInstance);
            assertThat(capture.ownChanges()).as("a new key is a Delete and an Insert").isEqualTo(8);
            assertThat(capture.changesOfOthers()).isEqualTo(5);
            Foreign last = capture.lastOfOthers().orElseThrow();
            assertThat(last.table()).isEqualTo(ITEM);
            assertThat(last.committedAt()).isBetween(before.minusSeconds(60), Instant.now());
        }
    }

    @Test
    void aWatermarkIsNeverDropped() throws Exception {
        try (CaptureScene scene = scene()) {
            SourceCapture capture = streaming(scene);
            long number;
            try (Connection connection = writer(scene, "millrace_" + opposite(scene) + "_1")) {
                number = new Watermarks(scene.migration, 1).emit(connection).number().number();
            }
            Awaitility.await()
                    .atMost(Waits.LIMIT)
                    .until(() -> position(capture).watermark() >= number);

            assertThat(scene.log())
                    .filteredOn(ChangeEvent.Watermark.class::isInstance)
                    .extracting(event -> ((ChangeEvent.Watermark) event).watermark().number())
                    .contains(number);
        }
    }

    /// What is dropped is delivered: the source forgets its WAL.
    @Test
    void theSlotAdvancesPastDroppedChanges() throws Exception {
        try (CaptureScene scene = scene()) {
            SourceCapture capture = streaming(scene);
            scene.awaitWatermark(capture);
            long events = capture.events();
            write(
                    scene,
                    "millrace_" + opposite(scene) + "_1",
                    "INSERT INTO item SELECT g, 'own' FROM generate_series(1, 100) g",
                    "DELETE FROM item");
            String end = scene.source.value("SELECT pg_current_wal_insert_lsn()");
            scene.awaitWatermark(capture);
            scene.awaitWatermark(capture);

            Awaitility.await()
                    .atMost(Waits.LIMIT)
                    .until(
                            () ->
                                    "t"
                                            .equals(
                                                    scene.source.value(
                                                            "SELECT confirmed_flush_lsn >= '"
                                                                    + end
                                                                    + "' FROM pg_replication_slots"
                                                                    + " WHERE slot_name = '"
                                                                    + CaptureSettings.slot(
                                                                            scene.migration)
                                                                    + "'")));
            assertThat(rows(scene)).isEmpty();
            assertThat(capture.ownChanges()).isEqualTo(200);
            assertThat(capture.events()).as("what is in the log").isEqualTo(events + 2);
        }
    }

    @Test
    void resumesInsideATransactionOfTheOppositeStream() throws Exception {
        int total = 60_000;
        try (CaptureScene scene = scene()) {
            scene.engine("max.batch.size", "100").engine("max.queue.size", "200");
            SourceCapture first = streaming(scene);
            try (Connection connection = writer(scene, "millrace_" + opposite(scene) + "_1");
                    var statement = connection.createStatement()) {
                connection.setAutoCommit(false);
                statement.execute(
                        "INSERT INTO item SELECT g, 'own' FROM generate_series(1, 30000) g");
                statement.execute("UPDATE item SET name = 'own too'");
                connection.commit();
            }
            scene.source.execute("UPDATE item SET name = 'other' WHERE id = 7");
            Awaitility.await()
                    .atMost(Waits.LIMIT)
                    .pollInterval(Duration.ofMillis(1))
                    .until(() -> first.ownChanges() > 0);
            first.close();
            long dropped = first.ownChanges();
            assertThat(position(first).openEvents())
                    .as("the capture ended inside the transaction")
                    .isEqualTo(dropped)
                    .isBetween(1L, total - 1L);

            SourceCapture second = scene.start(1);
            scene.awaitWatermark(second);

            assertThat(rows(scene)).containsExactly("other");
            assertThat(dropped + second.ownChanges())
                    .as("each change is counted by one of both")
                    .isEqualTo(total);
            assertThat(second.changesOfOthers()).isEqualTo(1);
        }
    }

    private static SourcePosition position(SourceCapture capture) {
        return Objects.requireNonNull(capture.position());
    }
}
