package dev.millrace.capture;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.change.ChangeEvent;
import dev.millrace.lifecycle.ComponentState;
import dev.millrace.lifecycle.ComponentState.Activity;
import dev.millrace.lifecycle.Failure;
import dev.millrace.lifecycle.RestartPolicy;
import dev.millrace.testing.PostgresServer;
import dev.millrace.testing.TestDatabase;
import dev.millrace.testing.Waits;
import java.sql.Connection;
import java.time.Duration;
import java.util.List;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/// The status names what blocks a capture. What cannot pass by itself stops the capture or needs an
/// operator.
class CaptureWaitsIT {

    @Test
    @Timeout(900)
    void startNamesTransactionsThatBlockTheSlot() throws Exception {
        TestDatabase elsewhere = PostgresServer.shared().newDatabase();
        elsewhere.execute("CREATE TABLE held (id int)");
        try (CaptureScene scene = item();
                Connection open = scene.source.connect();
                Connection prepared = elsewhere.connect()) {
            open.setAutoCommit(false);
            open.createStatement().execute("INSERT INTO item VALUES (1, 'not yet')");
            String pid = pid(open);
            prepared.setAutoCommit(false);
            prepared.createStatement().execute("INSERT INTO held VALUES (1)");
            prepared.createStatement().execute("PREPARE TRANSACTION 'left over'");
            SourceCapture capture = scene.start(1);

            awaitStart(capture, "pid " + pid + " of postgres");
            capture.close();
            assertThat(capture.state()).isInstanceOf(ComponentState.Stopped.class);
            capture = scene.start(1);
            open.rollback();
            awaitStart(capture, "prepared transaction 'left over' of postgres in database ");
            elsewhere.execute("ROLLBACK PREPARED 'left over'");

            SourceCaptureIT.streaming(scene, capture);
        }
    }

    @Test
    void startNamesLockThatBlocksThePublication() throws Exception {
        try (CaptureScene scene = item();
                Connection open = scene.source.connect()) {
            open.setAutoCommit(false);
            open.createStatement().execute("LOCK TABLE item IN ACCESS EXCLUSIVE MODE");
            String pid = pid(open);
            SourceCapture capture =
                    scene.start(
                            1,
                            purpose -> {
                                Connection ours = scene.login().connect();
                                ours.createStatement()
                                        .execute(
                                                "SET application_name = 'millrace "
                                                        + scene.migration
                                                        + " "
                                                        + purpose
                                                        + "'");
                                return ours;
                            });

            awaitStart(capture, "pid " + pid);
            open.rollback();

            SourceCaptureIT.streaming(scene, capture);
        }
    }

    @Test
    void snapshotThatFailsTwiceForSameReasonStopsCapture() throws Exception {
        try (CaptureScene scene = new CaptureScene()) {
            scene.source.execute("CREATE TYPE trap AS ENUM ('gone')");
            scene.table("item", List.of("id int", "value trap"), "id", false);
            scene.source.execute(
                    "INSERT INTO item VALUES (1, 'gone')",
                    "DELETE FROM pg_enum WHERE enumtypid = 'trap'::regtype");

            SourceCapture capture = scene.start(1);

            Awaitility.await()
                    .atMost(Waits.LIMIT)
                    .until(() -> CaptureScene.hasEnded(capture, Failure.Fatal.class));
            assertThat(capture.state().text())
                    .contains("failed twice for the same reason", "22P03")
                    .doesNotContain("internal value");
        }
    }

    @Test
    void rejectedLoginNeedsOperatorAndRecovers() throws Exception {
        try (CaptureScene scene = item()) {
            String role = scene.login().name();
            SourceCapture capture = scene.start(1);
            SourceCaptureIT.streaming(scene, capture);

            scene.source.execute("ALTER ROLE " + role + " NOLOGIN");
            terminateWalSender(scene);
            Awaitility.await()
                    .atMost(Waits.LIMIT)
                    .until(
                            () ->
                                    capture.state()
                                                    instanceof
                                                    ComponentState.Waiting(
                                                            Failure.OperatorNeeded needed,
                                                            var _)
                                            && needed.reason().contains("28000"));

            scene.source.execute("ALTER ROLE " + role + " LOGIN");
            SourceCaptureIT.streaming(scene, capture);
        }
    }

    @Test
    void captureWithoutOwnershipDoesNotTakeOverLog() throws Exception {
        try (CaptureScene scene = item()) {
            SourceCapture overtaken = scene.start(1, () -> false);
            SourceCaptureIT.streaming(scene, overtaken);

            SourceCapture owner = scene.start(1);
            SourceCaptureIT.streaming(scene, owner);
            Awaitility.await()
                    .atMost(Waits.LIMIT)
                    .until(
                            () ->
                                    overtaken
                                            .state()
                                            .toString()
                                            .contains("another process may run the migration"));
            scene.source.execute("INSERT INTO item VALUES (1, 'once')");
            scene.awaitWatermark(owner);

            assertThat(owner.state()).matches(state -> state.isRunning(Activity.STREAMING));
            assertThat(scene.log()).filteredOn(ChangeEvent.Insert.class::isInstance).hasSize(1);
        }
    }

    @Test
    void twoOwnersDoNotFenceEachOtherForever() throws Exception {
        try (CaptureScene scene = item()) {
            // Two engines in one JVM share a JMX name, for which an engine waits up to 60 s: the
            // delay
            // must be longer than the start of an engine.
            scene.policy = new RestartPolicy(Duration.ofMillis(100), Duration.ofSeconds(3), 3);
            SourceCapture one = scene.start(1);
            SourceCaptureIT.streaming(scene, one);
            SourceCapture other = scene.start(1);

            Awaitility.await()
                    .atMost(Waits.LIMIT)
                    .pollInterval(Duration.ofMillis(100))
                    .until(
                            () -> {
                                scene.emit(1);
                                return CaptureScene.hasEnded(one, Failure.Fatal.class)
                                        || CaptureScene.hasEnded(other, Failure.Fatal.class);
                            });
        }
    }

    private static void terminateWalSender(CaptureScene scene) {
        scene.source.query(
                "SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE slot_name = '"
                        + CaptureSettings.slot(scene.migration)
                        + "'");
    }

    private static CaptureScene item() {
        return new CaptureScene()
                .table("item", List.of("id int", "name text"), "id", false)
                .publishing();
    }

    private static String pid(Connection connection) throws Exception {
        try (var row = connection.createStatement().executeQuery("SELECT pg_backend_pid()")) {
            row.next();
            return row.getString(1);
        }
    }

    private static void awaitStart(SourceCapture capture, String named) {
        Awaitility.await()
                .atMost(Waits.LIMIT)
                .untilAsserted(() -> assertThat(capture.state().toString()).contains(named));
    }
}
