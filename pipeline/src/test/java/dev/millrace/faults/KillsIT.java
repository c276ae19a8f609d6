package dev.millrace.faults;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.locks.LockSupport;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Kills the service (SIGKILL) at random times during writes. The seed is printed; `-Dseed=`
/// replays a run, and `-Dbackfill=engine` hits the engine's snapshot instead of windows.
class KillsIT {

    /// How many times as many rows there are with `backfill: engine`, so that the kills hit the
    /// snapshot.
    private static final int ENGINE_ROWS = 5;

    private static final Logger LOG = LoggerFactory.getLogger(KillsIT.class);

    @Test
    void threeKillsLoseAndDuplicateNothing() throws Exception {
        kills(3, 20_000, 20, 1_500, 3_000, Long.getLong("seed", 7));
    }

    @Test
    @Tag("faults")
    void twentyKillsLoseAndDuplicateNothing() throws Exception {
        kills(20, 60_000, 60, 500, 8_000, Long.getLong("seed", System.nanoTime()));
    }

    /// @param transactionsPerSecond rate of the traffic. It goes on while the service is down, so a
    ///   machine that is busy with other tests must be able to follow it.
    /// @param rowsPerSecond limit of the backfill, so that it lasts longer than the kills that must
    ///   hit it
    /// @param longest maximum time in milliseconds from the phase to the kill
    private static void kills(
            int kills,
            long windowRows,
            int transactionsPerSecond,
            int rowsPerSecond,
            int longest,
            long seed)
            throws Exception {
        boolean engine = ShopScene.BACKFILL.equals("engine");
        long rows = engine ? windowRows * ENGINE_ROWS : windowRows;
        LOG.info("seed {}, backfill: {}", seed, ShopScene.BACKFILL);
        Random random = new Random(seed);
        try (ShopScene scene = new ShopScene(rows, transactionsPerSecond, seed)) {
            for (int kill = 1; kill <= kills; kill++) {
                boolean streaming = kill > kills * 2 / 5;
                ServiceProcess service = scene.startService();
                if (!engine && kill == 1) {
                    service.throttle(rowsPerSecond);
                } else if (!engine && kill == kills * 2 / 5 + 1) {
                    service.throttle(0);
                }
                await(service, () -> beyond(streaming, service.phase()));
                if (engine && !streaming) {
                    // The engine takes no limit, so the number of rows in the log is random.
                    long written = random.nextLong(rows * 4 / 5);
                    await(service, () -> service.events() >= written);
                } else {
                    if (kill % 2 == 0) {
                        // On a slow machine the others come before anything is written.
                        await(service, () -> service.events() > 0);
                    }
                    // The test needs a random time; there is no condition to wait for.
                    LockSupport.parkNanos(Duration.ofMillis(random.nextInt(longest)).toNanos());
                }
                String phase = service.phase();
                assertThat(service.isAlive()).as(service::said).isTrue();
                if (!streaming) {
                    assertThat(phase).isEqualTo("BACKFILLING");
                }
                long events = service.events();
                service.kill();
                LOG.info("kill {} in phase {} after {} changes", kill, phase, events);
            }
            scene.startService();
            scene.requireComplete();
            LOG.info(
                    "{} kills, {} transactions of traffic, {} rows written meanwhile",
                    kills,
                    scene.traffic().transactions(),
                    scene.traffic().rowsWritten());
            assertThat(scene.traffic().failures()).isEmpty();
        }
    }

    private static void await(ServiceProcess service, Callable<Boolean> condition) {
        Awaitility.await()
                .atMost(Duration.ofMinutes(5))
                .pollInterval(Duration.ofMillis(20))
                .until(() -> !service.isAlive() || condition.call());
    }

    /// The first kills hit the backfill, which continues after each of them; with `backfill:
    /// engine` it begins again. The others hit streaming.
    private static boolean beyond(boolean streaming, String phase) {
        return streaming
                ? phase.equals("CATCHING_UP") || phase.equals("IN_SYNC")
                : phase.equals("BACKFILLING");
    }
}
