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

/// Runs the service with a heap of 512 MiB (`docs/memory.md`) and far more data than fits into it.
/// The process ends when the heap is exhausted. `-Drows=` sets the number of narrow rows.
@Tag("faults")
class MemoryIT {

    private static final Logger LOG = LoggerFactory.getLogger(MemoryIT.class);
    private static final String HEAP = "-Xmx512m";
    private static final Duration LONG = Duration.ofMinutes(30);
    private static final int WIDE_ROWS = 2_000;
    private static final int KB = 1000;
    private static final int MB = 1000 * KB;

    /// Every second row exists before the service starts; the others are one transaction.
    @Test
    void twoThousandRowsOfOneMegabyteFit() throws Exception {
        try (DocScene scene = new DocScene()) {
            scene.insertWide(1, WIDE_ROWS / 2, MB);
            ServiceProcess service = scene.startService(HEAP);
            service.awaitPhase("IN_SYNC", LONG);
            LOG.info("{} rows of 1 MB are backfilled", WIDE_ROWS / 2);
            scene.insertWide(WIDE_ROWS / 2 + 1, WIDE_ROWS, MB);
            await(service, () -> DocScene.rows(scene.target) == WIDE_ROWS);
            LOG.info("{} rows of 1 MB are streamed", WIDE_ROWS / 2);
            requireEqual(service, WIDE_ROWS);
        }
    }

    @Test
    void tenMillionRowsFit() throws Exception {
        long rows = Long.getLong("rows", 10_000_000);
        try (ItemScene scene = new ItemScene(rows)) {
            long begin = System.nanoTime();
            ServiceProcess service = scene.startService(HEAP);
            service.awaitPhase("IN_SYNC", LONG);
            LOG.info("{} rows in sync after {} s", rows, (System.nanoTime() - begin) / 1e9);
            requireEqual(service, rows);
        }
    }

    /// An update of every row leaves a large value unchanged while the rows are not read yet. The
    /// keys are twice as many as fit.
    @Test
    void keysThatAwaitTheirReadFit() throws Exception {
        int rows = 150_000;
        try (DocScene scene = new DocScene()) {
            DocScene.execute(
                    scene.source,
                    "INSERT INTO doc SELECT g, 0, repeat(md5(g::text), 70)"
                            + " FROM generate_series(1, %d) g".formatted(rows));
            ServiceProcess service = scene.startService(HEAP);
            service.throttle(200);
            await(service, () -> rowsDone(service) > 0);
            DocScene.execute(scene.source, "UPDATE doc SET n = n + 1");
            await(service, () -> service.said().contains("begins again"));
            service.throttle(0);
            service.awaitPhase("IN_SYNC", LONG);
            requireEqual(service, rows);
        }
    }

    /// All rows differ, so each is read alone. Afterwards the target is repaired by hand.
    @Test
    void aReconciliationOfTwoThousandDifferentRowsOf200KilobytesFits() throws Exception {
        try (DocScene scene = new DocScene()) {
            scene.insertWide(1, WIDE_ROWS, 200 * KB);
            ServiceProcess service = scene.startService(HEAP);
            service.awaitPhase("IN_SYNC", LONG);
            writePastTheFence(scene, "UPDATE doc SET body = body || 'x'");

            JsonNode report = service.reconcile();

            assertThat(report.path("verdict").stringValue(""))
                    .as(report.toString())
                    .isEqualTo("different");
            assertThat(report.at("/tables/0/different").longValue(0)).isEqualTo(WIDE_ROWS);
            writePastTheFence(scene, "UPDATE doc SET body = left(body, -1)");
            requireEqual(service, WIDE_ROWS);
        }
    }

    private static void writePastTheFence(DocScene scene, String write) throws SQLException {
        DocScene.execute(scene.target, "ALTER TABLE doc DISABLE TRIGGER USER", write);
    }

    private static void await(ServiceProcess service, Callable<Boolean> condition) {
        Awaitility.await()
                .atMost(LONG)
                .until(
                        () -> {
                            service.requireAlive();
                            return condition.call();
                        });
    }

    private static long rowsDone(ServiceProcess service) {
        return service.status()
                .map(status -> status.at("/tables/0/backfill/rowsDone").longValue(0))
                .orElse(0L);
    }

    private static void requireEqual(ServiceProcess service, long rows) throws Exception {
        JsonNode report = service.reconcile();
        assertThat(report.path("verdict").stringValue("")).as(report.toString()).isEqualTo("equal");
        assertThat(report.at("/tables/0/sourceRows").longValue(0)).isEqualTo(rows);
        service.requireAlive();
        LOG.info(
                "verdict equal over {} rows; {} MiB are reachable, {} MiB resident",
                rows,
                service.reachableHeap() >> 20,
                service.residentMemory() >> 20);
    }
}
