package dev.millrace.faults;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.capture.CaptureSettings;
import dev.millrace.testing.Waits;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/// Kills the service four times during a re-backfill, each time at the given step or a later one,
/// while the source is written.
@Tag("faults")
@Timeout(900)
class RebackfillKillsIT {

    private static final int ROWS = 30_000;

    private static void write(ItemScene scene, AtomicBoolean writing) {
        try (Connection connection = scene.source.connect(ItemScene.DATABASE);
                Statement statement = connection.createStatement()) {
            for (int i = 0; writing.get(); i++) {
                int key = 1 + i * 7919 % (ROWS + 2_000);
                statement.execute(
                        i % 3 == 0
                                ? "DELETE FROM item WHERE id = " + key
                                : "INSERT INTO item VALUES ("
                                        + key
                                        + ", 1) ON CONFLICT (id) DO UPDATE SET n = item.n + 1");
            }
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }

    /// The capture takes the slot again at once.
    private static void dropSlot(ItemScene scene) {
        String of =
                " FROM pg_replication_slots WHERE slot_name = '"
                        + CaptureSettings.slot(ItemScene.MIGRATION)
                        + "'";
        Awaitility.await()
                .atMost(Waits.LIMIT)
                .pollInterval(Duration.ofMillis(5))
                .ignoreExceptions()
                .until(
                        () -> {
                            ItemScene.execute(
                                    scene.source,
                                    "SELECT pg_terminate_backend(active_pid)" + of,
                                    "SELECT pg_drop_replication_slot(slot_name)" + of);
                            return ItemScene.number(scene.source, "SELECT count(*)" + of) == 0;
                        });
    }

    private static void awaitStep(ServiceProcess service, List<String> steps) {
        Awaitility.await()
                .atMost(Waits.LIMIT)
                .pollInterval(Duration.ofMillis(20))
                .until(
                        () ->
                                service.status()
                                        .map(status -> status.at("/rebackfill/step"))
                                        .filter(step -> steps.contains(step.stringValue("")))
                                        .isPresent());
    }

    @Test
    void killsDuringARebackfillLoseNothing() throws Exception {
        AtomicBoolean writing = new AtomicBoolean(true);
        try (ItemScene scene = new ItemScene(ROWS)) {
            ServiceProcess service = scene.startService();
            service.awaitPhase("IN_SYNC", Waits.LIMIT);
            dropSlot(scene);
            service.awaitPhase("FAILED", Waits.LIMIT);
            ItemScene.execute(
                    scene.source,
                    "DELETE FROM item WHERE id % 3 = 0",
                    "UPDATE item SET n = 5 WHERE id % 5 = 0");
            CompletableFuture<Void> writer =
                    CompletableFuture.runAsync(() -> write(scene, writing));
            service.throttle(2_000);
            String operation = service.rebackfill("{\"who\":\"test\"}");
            for (List<String> steps :
                    List.of(
                            List.of("generation", "start", "sweep", "read"),
                            List.of("start", "sweep", "read"),
                            List.of("sweep", "read"),
                            List.of("read"))) {
                awaitStep(service, steps);
                service.kill();
                service = scene.startService();
            }
            service.throttle(0);
            ServiceProcess last = service;
            Awaitility.await()
                    .atMost(Waits.LIMIT)
                    .until(() -> "done".equals(last.operation(operation).path("state").asString()));
            writing.set(false);
            writer.join();
            last.awaitPhase("IN_SYNC", Waits.LIMIT);

            assertThat(last.reconcile().path("verdict").asString()).isEqualTo("equal");
            for (String query :
                    List.of(
                            "SELECT count(*) FROM item",
                            "SELECT sum(hashint8(id * 31 + n)) FROM item")) {
                assertThat(ItemScene.number(scene.target, query))
                        .isEqualTo(ItemScene.number(scene.source, query));
            }
            assertThat(
                            ItemScene.number(
                                    scene.target,
                                    "SELECT max(generation) FROM millrace.generation"))
                    .isEqualTo(2);
        } finally {
            writing.set(false);
        }
    }
}
