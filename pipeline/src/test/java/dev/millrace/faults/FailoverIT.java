package dev.millrace.faults;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.capture.CaptureSettings;
import dev.millrace.sandbox.SandboxPostgres;
import dev.millrace.sandbox.SandboxPostgres.StopMode;
import dev.millrace.sandbox.SandboxSettings;
import dev.millrace.testing.TestFolders;
import dev.millrace.testing.Waits;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.sql.SQLException;
import java.util.List;
import java.util.stream.Stream;
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
    private static final String STANDBY = "standby";

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

    /// A copy of the stopped source that follows it.
    private static SandboxPostgres standby(ItemScene scene, boolean failoverSlot)
            throws IOException, SQLException {
        ItemScene.execute(
                scene.source, "SELECT pg_create_physical_replication_slot('" + STANDBY + "')");
        Path primary = scene.file("source");
        Path folder = TestFolders.create(STANDBY);
        scene.source.stop(StopMode.FAST);
        copy(primary.resolve("data"), folder.resolve("data"));
        Files.copy(primary.resolve("password"), folder.resolve("password"));
        Files.createFile(folder.resolve("data").resolve("standby.signal"));
        scene.source.restart();
        SandboxSettings settings =
                SandboxSettings.durable(TestFolders.postgresBinaries())
                        .with(
                                "primary_conninfo",
                                "host=127.0.0.1 port=%d user=%s password=%s dbname=%s"
                                        .formatted(
                                                scene.source.port(),
                                                scene.source.username(),
                                                scene.source.password(),
                                                ItemScene.DATABASE))
                        .with("primary_slot_name", STANDBY)
                        .with("hot_standby_feedback", "on");
        return SandboxPostgres.start(
                folder, failoverSlot ? settings.with("sync_replication_slots", "on") : settings);
    }

    private static void copy(Path from, Path to) throws IOException {
        List<Path> files;
        try (Stream<Path> walked = Files.walk(from)) {
            files = walked.toList();
        }
        for (Path file : files) {
            Files.copy(
                    file,
                    to.resolve(from.relativize(file).toString()),
                    StandardCopyOption.COPY_ATTRIBUTES);
        }
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
