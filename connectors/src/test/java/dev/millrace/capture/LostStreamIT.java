package dev.millrace.capture;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.millrace.change.ChangeEvent;
import dev.millrace.grants.GrantedLogins;
import dev.millrace.grants.GrantedLogins.Login;
import dev.millrace.lifecycle.ComponentState.Activity;
import dev.millrace.postgres.SessionFactory;
import dev.millrace.spec.MigrationSpec.Backfill;
import dev.millrace.testing.CutProxy;
import dev.millrace.testing.CutProxy.Wire;
import dev.millrace.testing.PostgresServer;
import dev.millrace.testing.TestDatabase;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/// The network loses the replication connection, and neither side learns it. The source ends its
/// side after a timeout.
class LostStreamIT {

    private static final Duration SOON = Duration.ofMinutes(5);

    @Test
    void aLostReplicationConnectionIsOpenedAgain() throws Exception {
        TestDatabase source = PostgresServer.shared().newDatabase();
        try (CutProxy proxy = CutProxy.before(source)) {
            Wire replication = proxy.splitReplication();
            try (CaptureScene scene = new CaptureScene(proxy.through(source))) {
                scene.table("item", List.of("id int", "name text"), "id", false);
                SourceCapture capture = scene.start(1);
                SourceCaptureIT.streaming(scene, capture);

                replication.lose();
                endSession(source, scene);
                source.execute("INSERT INTO item VALUES (1, 'after')");
                scene.awaitWatermark(capture);

                assertThat(scene.log()).filteredOn(ChangeEvent.Insert.class::isInstance).hasSize(1);
            }
        }
    }

    /// The engine waits for the answer, and no session uses the slot.
    @Test
    @Tag("faults")
    void aReplicationConnectionThatIsLostBeforeTheFirstChangesIsOpenedAgain() throws Exception {
        TestDatabase source = PostgresServer.shared().newDatabase();
        try (CutProxy proxy = CutProxy.before(source)) {
            Wire replication = proxy.splitReplication();
            try (CaptureScene scene =
                    new CaptureScene(proxy.through(source)).backfill(Backfill.WINDOWS)) {
                scene.table("item", List.of("id int", "name text"), "id", false);
                replication.loseAfterSending("START_REPLICATION");
                SourceCapture capture = scene.start(1);
                Awaitility.await().atMost(SOON).until(replication::hasLost);
                endSession(source, scene);

                Awaitility.await()
                        .atMost(SOON)
                        .pollInterval(Duration.ofMillis(300))
                        .until(
                                () -> {
                                    scene.emit(capture);
                                    return capture.state().isRunning(Activity.STREAMING);
                                });
                scene.awaitWatermark(capture);
            }
        }
    }

    @Test
    @Tag("faults")
    void aReplicationConnectionThatIsLostDuringTheLoginFails() {
        TestDatabase source = PostgresServer.shared().newDatabase();
        try (CutProxy proxy = CutProxy.before(source)) {
            Login login = GrantedLogins.capture("m", source);
            var sessions =
                    new SessionFactory(
                            "test",
                            proxy.through(source).url(),
                            login.name(),
                            GrantedLogins.PASSWORD);
            proxy.wire().loseAfterSending("set_config");

            assertThatThrownBy(() -> sessions.openReplication("stream"))
                    .isInstanceOf(SQLException.class);
            assertThat(proxy.wire().hasLost()).isTrue();
        }
    }

    private static void endSession(TestDatabase source, CaptureScene scene) {
        source.query(
                "SELECT pg_terminate_backend(active_pid, 10000) FROM pg_replication_slots"
                        + " WHERE slot_name = '"
                        + CaptureSettings.slot(scene.migration)
                        + "'");
    }
}
