package dev.millrace.faults;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.capture.CaptureSettings;
import dev.millrace.sandbox.SandboxPostgres;
import dev.millrace.testing.StandbyServer;
import dev.millrace.testing.Waits;
import java.io.IOException;
import java.sql.SQLException;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// The source fails over to its standby. Both are in the URL. The timeline of the new primary does
/// not contain every commit of the old one, so the migration does not continue silently, also with
/// a slot that the standby has: it says that rows must be read again.
@Tag("faults")
class FailoverIT {

    private static final int ROWS = 1_000;

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aFailoverNeedsARebackfill(boolean failoverSlot) throws Exception {
        try (ItemScene scene = new ItemScene(ROWS);
                SandboxPostgres standby = standby(scene, failoverSlot)) {
            scene.addStandby(standby, failoverSlot ? "debezium:\n  slot.failover: 'true'\n" : "");
            ServiceProcess service = scene.startService();
            service.awaitPhase("IN_SYNC", Waits.LIMIT);
            ItemScene.execute(scene.source, "UPDATE item SET n = 1 WHERE id % 2 = 0");
            awaitReplayed(scene, standby, failoverSlot);

            scene.source.crash();
            ItemScene.execute(standby, "SELECT pg_promote()");
            ItemScene.execute(
                    standby,
                    "DELETE FROM item WHERE id % 3 = 0",
                    "INSERT INTO item SELECT g FROM generate_series(2001, 2100) g");

            service.awaitPhase("FAILED", Waits.LIMIT);
            assertThat(service.status().orElseThrow().at("/rebackfill/required").asString())
                    .isNotEmpty();
            service.rebackfillAll();
            scene.requireEqual(standby);
        }
    }

    private static SandboxPostgres standby(ItemScene scene, boolean failoverSlot)
            throws IOException, SQLException {
        return StandbyServer.of(
                scene.source,
                ItemScene.DATABASE,
                settings ->
                        failoverSlot
                                ? settings.with("hot_standby_feedback", "on")
                                        .with("sync_replication_slots", "on")
                                : settings.with("hot_standby_feedback", "on"));
    }

    private static void awaitReplayed(
            ItemScene scene, SandboxPostgres standby, boolean failoverSlot) {
        String slot =
                "SELECT count(*) FROM pg_replication_slots WHERE synced AND NOT temporary AND"
                        + " slot_name = '"
                        + CaptureSettings.slot(ItemScene.MIGRATION)
                        + "'";
        Awaitility.await()
                .atMost(Waits.LIMIT)
                .until(
                        () ->
                                ItemScene.number(standby, "SELECT sum(n) FROM item")
                                                == ItemScene.number(
                                                        scene.source, "SELECT sum(n) FROM item")
                                        && (!failoverSlot || ItemScene.number(standby, slot) == 1));
    }
}
