package dev.millrace.faults;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.capture.CaptureSettings;
import dev.millrace.testing.Waits;
import java.io.IOException;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Map;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/// The source removes WAL that the slot needs (`wal_status` is `lost`). The migration says within
/// ten seconds that rows must be read again, and `rebackfill` makes both sides equal, also where
/// rows were deleted meanwhile.
@Tag("faults")
class InvalidatedSlotIT {

    private static final Duration NAMED_WITHIN = Duration.ofSeconds(10);
    private static final int ROWS = 1_000;

    @Test
    void ofAServiceThatIsDown() throws Exception {
        try (ItemScene scene = scene()) {
            ServiceProcess service = scene.startService();
            service.awaitPhase("IN_SYNC", Waits.LIMIT);
            service.kill();
            invalidate(scene);

            ServiceProcess again = scene.startService();
            again.awaitPhase("FAILED", Waits.LIMIT);
            heal(scene, again);
        }
    }

    @Test
    void ofAServiceThatIsFrozen() throws Exception {
        try (ItemScene scene = scene()) {
            ServiceProcess service = scene.startService();
            service.awaitPhase("IN_SYNC", Waits.LIMIT);
            service.signal("STOP");
            invalidate(scene);

            service.signal("CONT");
            service.awaitPhase("FAILED", NAMED_WITHIN);
            heal(scene, service);
        }
    }

    private static ItemScene scene() throws IOException, SQLException {
        return new ItemScene(ROWS, Map.of("max_slot_wal_keep_size", "16MB"));
    }

    private static void invalidate(ItemScene scene) throws SQLException {
        ItemScene.execute(
                scene.source,
                "DELETE FROM item WHERE id % 3 = 0",
                "UPDATE item SET n = 7 WHERE id % 5 = 0",
                "CREATE TABLE filler (n int)");
        Awaitility.await()
                .atMost(Waits.LIMIT)
                .until(
                        () -> {
                            ItemScene.execute(
                                    scene.source,
                                    "INSERT INTO filler VALUES (1)",
                                    "SELECT pg_switch_wal()",
                                    "CHECKPOINT");
                            return ItemScene.number(
                                            scene.source,
                                            "SELECT count(*) FROM pg_replication_slots WHERE"
                                                    + " wal_status = 'lost' AND slot_name = '"
                                                    + CaptureSettings.slot(ItemScene.MIGRATION)
                                                    + "'")
                                    == 1;
                        });
    }

    private static void heal(ItemScene scene, ServiceProcess service) throws Exception {
        assertThat(service.status().orElseThrow().at("/rebackfill/required").asString())
                .contains("was invalidated");
        assertThat(service.status().orElseThrow().toString()).contains("millrace rebackfill");
        service.rebackfillAll();
        scene.requireEqual();
    }
}
