package dev.millrace.capture;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.change.ChangeEvent;
import dev.millrace.testing.CutProxy;
import dev.millrace.testing.CutProxy.Wire;
import dev.millrace.testing.PostgresServer;
import dev.millrace.testing.TestDatabase;
import java.util.List;
import org.junit.jupiter.api.Test;

/// The network loses the replication connection, and neither side learns it. The source ends its
/// side after a timeout.
class LostStreamIT {

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
                source.query(
                        "SELECT pg_terminate_backend(active_pid, 10000) FROM pg_replication_slots"
                                + " WHERE slot_name = '"
                                + CaptureSettings.slot(scene.migration)
                                + "'");
                source.execute("INSERT INTO item VALUES (1, 'after')");
                scene.awaitWatermark(capture);

                assertThat(scene.log()).filteredOn(ChangeEvent.Insert.class::isInstance).hasSize(1);
            }
        }
    }
}
