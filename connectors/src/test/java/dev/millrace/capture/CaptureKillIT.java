package dev.millrace.capture;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.capture.position.SourcePosition;
import dev.millrace.change.ChangeEvent;
import dev.millrace.change.Lsn;
import dev.millrace.postgres.ReplicationSlot;
import dev.millrace.testing.TestDatabase;
import java.io.ByteArrayInputStream;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.Objects;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.postgresql.PGConnection;

/// Kills the engine at a known place of a transaction and starts another one. At every place, the
/// log then contains every event once and in the source's order.
class CaptureKillIT {

    private static final int SMALL_BATCH = 5;

    @Test
    void resumesInsideCopyOfTwentyRows() throws Exception {
        try (CaptureScene scene = itemScene()) {
            try (CaptureChild child = CaptureChild.start(scene, 8, SMALL_BATCH)) {
                child.awaitStreaming(scene);
                copy(scene, 1, 20);
                child.awaitHalt();
            }
            assertThat(inserted(scene)).as("killed inside the transaction").hasSizeBetween(8, 19);
            scene.source.execute("INSERT INTO item VALUES (21, 'next')");

            finish(scene);

            assertThat(inserted(scene)).containsExactlyInAnyOrderElementsOf(ids(1, 21));
        }
    }

    @Test
    void resumesInsideTransactionOfThousandRows() throws Exception {
        try (CaptureScene scene = itemScene()) {
            try (CaptureChild child = CaptureChild.start(scene, 400, 50)) {
                child.awaitStreaming(scene);
                scene.source.execute(
                        "INSERT INTO item SELECT g, 'n' FROM generate_series(1, 1000) g",
                        "INSERT INTO item VALUES (1001, 'next')");
                child.awaitHalt();
            }
            assertThat(inserted(scene)).hasSizeBetween(400, 999);

            finish(scene);

            assertThat(inserted(scene)).containsExactlyInAnyOrderElementsOf(ids(1, 1001));
        }
    }

    @Test
    void resumesBetweenTransactions() throws Exception {
        try (CaptureScene scene = itemScene()) {
            try (CaptureChild child = CaptureChild.start(scene, 20, SMALL_BATCH)) {
                child.awaitStreaming(scene);
                copy(scene, 1, 20);
                child.awaitHalt();
            }
            assertThat(inserted(scene)).hasSize(20);
            copy(scene, 21, 40);

            finish(scene);

            assertThat(inserted(scene)).containsExactlyInAnyOrderElementsOf(ids(1, 40));
        }
    }

    @Test
    void resumesInsideLongTransactionThatOthersOvertook() throws Exception {
        try (CaptureScene scene = itemScene()) {
            try (CaptureChild child = CaptureChild.start(scene, 8, SMALL_BATCH);
                    Connection early = scene.source.connect();
                    Connection late = scene.source.connect()) {
                child.awaitStreaming(scene);
                early.setAutoCommit(false);
                late.setAutoCommit(false);
                run(early, "INSERT INTO item SELECT g, 'early' FROM generate_series(1, 10) g");
                run(late, "INSERT INTO item SELECT g, 'late' FROM generate_series(101, 103) g");
                run(early, "INSERT INTO item SELECT g, 'early' FROM generate_series(11, 20) g");
                late.commit();
                scene.emit(1);
                run(early, "UPDATE item SET name = 'overtaken' WHERE id = 102");
                early.commit();
                child.awaitHalt();
            }

            finish(scene);

            assertThat(inserted(scene))
                    .containsExactlyInAnyOrderElementsOf(
                            IntStream.concat(
                                            IntStream.rangeClosed(1, 20),
                                            IntStream.rangeClosed(101, 103))
                                    .mapToObj(Integer::toString)
                                    .toList());
            assertThat(scene.log()).filteredOn(ChangeEvent.Update.class::isInstance).hasSize(1);
        }
    }

    @Test
    void resumesInsideTransactionWithSavepoints() throws Exception {
        try (CaptureScene scene = itemScene()) {
            try (CaptureChild child = CaptureChild.start(scene, 8, SMALL_BATCH);
                    Connection connection = scene.source.connect()) {
                child.awaitStreaming(scene);
                connection.setAutoCommit(false);
                run(connection, "INSERT INTO item SELECT g, 'a' FROM generate_series(1, 6) g");
                run(connection, "SAVEPOINT s");
                run(connection, "INSERT INTO item SELECT g, 'gone' FROM generate_series(50, 60) g");
                run(connection, "ROLLBACK TO SAVEPOINT s");
                run(connection, "SAVEPOINT t");
                run(connection, "INSERT INTO item SELECT g, 'b' FROM generate_series(7, 20) g");
                run(connection, "RELEASE SAVEPOINT t");
                connection.commit();
                child.awaitHalt();
            }

            finish(scene);

            assertThat(inserted(scene)).containsExactlyInAnyOrderElementsOf(ids(1, 20));
        }
    }

    @Test
    void resumesInsideFirstTransactionAfterSnapshot() throws Exception {
        try (CaptureScene scene = itemScene()) {
            try (CaptureChild child = CaptureChild.start(scene, 8, SMALL_BATCH)) {
                org.awaitility.Awaitility.await()
                        .atMost(java.time.Duration.ofSeconds(60))
                        .until(() -> slotIsActive(scene));
                copy(scene, 1, 20);
                child.awaitHalt();
            }

            finish(scene);

            assertThat(inserted(scene)).containsExactlyInAnyOrderElementsOf(ids(1, 20));
        }
    }

    @Test
    void slotNeverAdvancesBeyondLog() throws Exception {
        try (CaptureScene scene = itemScene()) {
            SourceCapture capture = scene.start(1);
            SourceCaptureIT.streaming(scene, capture);
            for (int i = 0; i < 200; i++) {
                scene.source.execute(
                        "INSERT INTO item SELECT "
                                + i
                                + " * 10 + g, 'n' FROM generate_series(1, 10) g");
                Lsn flushed;
                try (Connection connection = scene.login().connect()) {
                    flushed =
                            ReplicationSlot.find(connection, CaptureSettings.slot(scene.migration))
                                    .orElseThrow()
                                    .confirmedFlush()
                                    .orElseThrow();
                }
                SourcePosition position = Objects.requireNonNull(capture.position());
                assertThat(flushed).isLessThanOrEqualTo(position.boundary());
            }
        }
    }

    private static CaptureScene itemScene() {
        return new CaptureScene().table("item", List.of("id int", "name text"), "id", false);
    }

    private static void finish(CaptureScene scene) throws InterruptedException {
        SourceCapture capture = scene.start(1);
        scene.awaitWatermark(capture);
        capture.close();
    }

    private static boolean slotIsActive(CaptureScene scene) {
        return !scene.source
                .query(
                        "SELECT 1 FROM pg_replication_slots WHERE active AND slot_name = '"
                                + CaptureSettings.slot(scene.migration)
                                + "'")
                .isEmpty();
    }

    private static List<String> inserted(CaptureScene scene) {
        return scene.log().stream()
                .filter(ChangeEvent.Insert.class::isInstance)
                .map(event -> String.valueOf(((ChangeEvent.Insert) event).row().text(0)))
                .collect(Collectors.toList());
    }

    private static List<String> ids(int from, int to) {
        return IntStream.rangeClosed(from, to).mapToObj(Integer::toString).toList();
    }

    private static void copy(CaptureScene scene, int from, int to) throws Exception {
        copy(scene.source, from, to);
    }

    static void copy(TestDatabase source, int from, int to) throws Exception {
        String rows = ids(from, to).stream().map(id -> id + "\tn\n").collect(Collectors.joining());
        try (Connection connection = source.connect()) {
            connection
                    .unwrap(PGConnection.class)
                    .getCopyAPI()
                    .copyIn(
                            "COPY item FROM STDIN",
                            new ByteArrayInputStream(rows.getBytes(StandardCharsets.UTF_8)));
        }
    }

    private static void run(Connection connection, String sql) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }
}
