package dev.millrace.faults;

import static org.assertj.core.api.Assertions.assertThat;

import java.sql.SQLException;
import java.time.Duration;
import java.util.concurrent.Callable;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.databind.JsonNode;

/// Kills the service (SIGKILL) twice inside one transaction of 1,000,000 changes, with a heap of
/// 512 MiB. `-Drows=` sets the number of changes.
@Tag("faults")
class LargeTransactionIT {

    private static final Logger LOG = LoggerFactory.getLogger(LargeTransactionIT.class);
    private static final String HEAP = "-Xmx512m";
    private static final Duration LONG = Duration.ofMinutes(20);
    private static final int BEFORE = 1_000;

    private static final String SUMS =
            "SELECT count(*) + sum(n) + sum(id * (n + 1)::bigint % 1000003) FROM item";

    @Test
    void aTransactionThatIsKilledInTheMiddleIsAppliedOnce() throws Exception {
        int rows = Integer.getInteger("rows", 1_000_000);
        try (ItemScene scene = new ItemScene(BEFORE)) {
            ServiceProcess service = scene.startService(HEAP);
            service.awaitPhase("IN_SYNC", LONG);
            long begun = service.events();
            ItemScene.execute(
                    scene.source,
                    """
                    BEGIN;
                    INSERT INTO item SELECT g, 0 FROM generate_series(%d, %d) g;
                    UPDATE item SET n = n + 1 WHERE id %% 100 = 0;
                    UPDATE item SET id = -id WHERE id %% 1000 = 7;
                    DELETE FROM item WHERE id %% 1000 = 11;
                    COMMIT
                    """
                            .formatted(BEFORE + 1, BEFORE + rows));
            service = killAfter(scene, service, begun + rows / 4);
            service = killAfter(scene, service, rows / 4);
            long expected = ItemScene.number(scene.source, SUMS);
            ServiceProcess last = service;
            await(last, () -> ItemScene.number(scene.target, SUMS) == expected);

            JsonNode report = last.reconcile();
            assertThat(report.path("verdict").stringValue(""))
                    .as(report.toString())
                    .isEqualTo("equal");
            last.requireAlive();
            LOG.info("{} MiB are reachable at the end", last.reachableHeap() >> 20);
        }
    }

    /// @param events that the process has written to the log when it is killed
    /// @return the next process
    private static ServiceProcess killAfter(ItemScene scene, ServiceProcess service, long events)
            throws Exception {
        await(service, () -> service.events() >= events);
        service.kill();
        long applied = applied(scene);
        LOG.info("killed: {} rows are on the target", applied);
        assertThat(ItemScene.number(scene.target, SUMS))
                .as("in the middle")
                .isNotEqualTo(ItemScene.number(scene.source, SUMS));
        return scene.startService(HEAP);
    }

    private static long applied(ItemScene scene) throws SQLException {
        return ItemScene.number(scene.target, "SELECT count(*) FROM item");
    }

    private static void await(ServiceProcess service, Callable<Boolean> condition) {
        Awaitility.await()
                .atMost(LONG)
                .pollInterval(Duration.ofMillis(100))
                .until(
                        () -> {
                            service.requireAlive();
                            return condition.call();
                        });
    }
}
