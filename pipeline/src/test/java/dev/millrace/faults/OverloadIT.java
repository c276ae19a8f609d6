package dev.millrace.faults;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.testing.Waits;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.databind.JsonNode;

/// Offers twice the rate that this machine sustains: the latency grows, nothing is lost, the memory
/// stays flat, and afterwards the latency returns by itself. `-Doverload.seconds=` sets how long,
/// `-Doverload.normal=` the normal rate in changes per second.
class OverloadIT {

    private static final Logger LOG = LoggerFactory.getLogger(OverloadIT.class);

    private static final int ROWS = 200_000;
    private static final int NORMAL_RATE = Integer.getInteger("overload.normal", 1_000);
    private static final int PER_TRANSACTION = 20;
    private static final int FIRST_RATE = 8 * NORMAL_RATE;
    private static final double NEXT_RATE = 1.3;
    private static final int STEP_SECONDS = 9;
    private static final int WINDOW_SECONDS = 10;

    /// Of the changes that are offered in the measured part of a step.
    private static final double GROWTH = 0.05;

    private static final long MIB = 1L << 20;

    /// The service runs with `-Xmx768m`: a queue that grows with the overload exceeds this.
    private static final long HEAP_GROWTH = 64 * MIB;

    /// Buffers that are empty at the normal rate are full under overload. The sum of those of
    /// capture (226), mappings (176) and apply (136) in `docs/memory.md` for this heap.
    private static final long HEAP_GROWTH_UNDER_LOAD = 538 * MIB;

    private static final long RESIDENT = 1_400 * MIB;

    @Test
    @Tag("soak")
    void twiceTheSustainableRateDelaysAndLosesNothing() throws Exception {
        int seconds = Integer.getInteger("overload.seconds", 120);
        try (ItemScene scene = new ItemScene(ROWS);
                Arrivals arrivals = new Arrivals(scene.target);
                ChangeLoad load = new ChangeLoad(scene, ROWS, arrivals)) {
            ServiceProcess service = scene.startService();
            service.awaitPhase("IN_SYNC", Duration.ofMinutes(10));
            Lag lag = new Lag(scene, load);

            load.offerWatched(NORMAL_RATE);
            hold(2 * WINDOW_SECONDS);
            double limit = normalLatency(arrivals);
            Memory before = Memory.of(service);

            double sustainable = sustainable(load, lag);
            double offered = 2 * sustainable;
            LOG.info(
                    "sustainable: {} changes/s; offered for {} s: {} changes/s in transactions of"
                            + " {} rows",
                    Math.round(sustainable),
                    seconds,
                    Math.round(offered),
                    PER_TRANSACTION);
            long first = load.committed();
            long begin = System.nanoTime();
            load.offer(offered, PER_TRANSACTION);
            List<Memory> during = overload(service, load, lag, begin, seconds);
            double reached = (load.committed() - first) / secondsSince(begin);
            long backlog = lag.changes();
            LOG.info(
                    "the writers reached {} changes/s, {} times the sustainable rate; {} changes"
                            + " wait",
                    Math.round(reached),
                    reached / sustainable,
                    backlog);
            assertThat(backlog).as("backlog").isGreaterThan((long) sustainable);

            load.offerWatched(NORMAL_RATE);
            long end = System.nanoTime();
            awaitLatency(arrivals, limit, Duration.ofSeconds(2L * seconds + 120));
            LOG.info(
                    "p99 is below {} ms again {} s after the overload",
                    Math.round(limit),
                    Math.round(secondsSince(end)));
            Memory after = Memory.of(service);
            LOG.info("memory before {}, during {}, after {}", before, during, after);

            load.pause();
            Awaitility.await().atMost(Duration.ofMinutes(10)).until(() -> lag.changes() == 0);
            service.awaitPhase("IN_SYNC", Duration.ofMinutes(5));
            JsonNode report = service.reconcile();
            assertThat(report.path("verdict").stringValue(""))
                    .as(report.toPrettyString())
                    .isEqualTo("equal");
            String total = "SELECT count(*) + sum(n) FROM item";
            LOG.info("verdict equal after {} changes", load.committed());
            assertThat(ItemScene.number(scene.target, total)).isEqualTo(ROWS + load.committed());
            assertThat(after.heap()).isLessThan(before.heap() + HEAP_GROWTH);
            assertThat(during.getLast().heap())
                    .as("memory does not grow with the backlog")
                    .isLessThan(
                            during.stream().limit(3).mapToLong(Memory::heap).max().orElseThrow()
                                    + HEAP_GROWTH);
            assertThat(during)
                    .allSatisfy(
                            each -> {
                                assertThat(each.heap())
                                        .isLessThan(before.heap() + HEAP_GROWTH_UNDER_LOAD);
                                assertThat(each.resident()).isLessThan(RESIDENT);
                            });
        }
    }

    /// The worst p99 of three windows.
    private static double normalLatency(Arrivals arrivals) throws SQLException {
        double worst = 0;
        for (int i = 0; i < 3; i++) {
            long begin = System.nanoTime();
            hold(WINDOW_SECONDS);
            long end = System.nanoTime();
            Awaitility.await().atMost(Waits.LIMIT).until(() -> arrivals.haveArrived(end));
            double p99 = arrivals.percentile(0.99, begin, end);
            LOG.info(
                    "at {} changes/s: p50 {} ms, p99 {} ms",
                    NORMAL_RATE,
                    Math.round(arrivals.percentile(0.5, begin, end)),
                    Math.round(p99));
            worst = Math.max(worst, p99);
        }
        return worst;
    }

    /// The highest rate of a ramp at which the lag does not grow.
    private static double sustainable(ChangeLoad load, Lag lag) throws SQLException {
        double sustained = FIRST_RATE;
        while (!isSustained(load, lag, sustained)) {
            sustained /= NEXT_RATE;
            assertThat(sustained).as("sustainable rate").isGreaterThan(NORMAL_RATE);
        }
        while (isSustained(load, lag, sustained * NEXT_RATE)) {
            sustained *= NEXT_RATE;
        }
        return sustained;
    }

    private static boolean isSustained(ChangeLoad load, Lag lag, double rate) throws SQLException {
        load.offer(rate, PER_TRANSACTION);
        hold(STEP_SECONDS / 3);
        long lagBefore = lag.changes();
        long committedBefore = load.committed();
        long begin = System.nanoTime();
        hold(STEP_SECONDS - STEP_SECONDS / 3);
        long lagAfter = lag.changes();
        double passed = secondsSince(begin);
        double reached = (load.committed() - committedBefore) / passed;
        double growth = (lagAfter - lagBefore) / passed;
        LOG.info(
                "offered {} changes/s, written {}, the lag of {} changes grows by {} per second",
                Math.round(rate),
                Math.round(reached),
                lagAfter,
                Math.round(growth));
        load.pause();
        Awaitility.await().atMost(Duration.ofMinutes(10)).until(() -> lag.changes() == 0);
        // A lag of a quarter of a second is no backlog, whatever its growth between two moments.
        boolean keepsUp = growth < GROWTH * rate || lagAfter < rate / 4;
        return keepsUp && reached > (1 - GROWTH) * rate;
    }

    private static List<Memory> overload(
            ServiceProcess service, ChangeLoad load, Lag lag, long begin, int seconds)
            throws Exception {
        List<Memory> during = new ArrayList<>();
        int parts = 4;
        for (int part = 1; part <= parts; part++) {
            long until = begin + TimeUnit.SECONDS.toNanos(seconds) * part / parts;
            hold((until - System.nanoTime()) / 1e9);
            during.add(Memory.of(service));
            LOG.info(
                    "{} s of overload: {} changes written, {} wait, status {}",
                    Math.round(secondsSince(begin)),
                    load.committed(),
                    lag.changes(),
                    service.status().map(status -> status.path("lag").toString()).orElse("?"));
        }
        return during;
    }

    /// Waits for a window after the overload in which 99 % of the rows arrived in this time. Rows
    /// that are younger than the limit do not count, because they may still arrive late.
    private static void awaitLatency(Arrivals arrivals, double limit, Duration atMost) {
        long overloadEnd = System.nanoTime();
        Awaitility.await()
                .atMost(atMost)
                .pollInterval(Duration.ofSeconds(1))
                .until(
                        () -> {
                            long to = System.nanoTime() - (long) (limit * 1e6);
                            long from = to - TimeUnit.SECONDS.toNanos(WINDOW_SECONDS);
                            return from - overloadEnd >= 0
                                    && arrivals.percentile(0.99, from, to) <= limit;
                        });
    }

    /// The test needs a load of this length; there is no condition to wait for.
    private static void hold(double seconds) {
        long until = System.nanoTime() + (long) (seconds * 1e9);
        long left = until - System.nanoTime();
        while (left > 0) {
            LockSupport.parkNanos(left);
            left = until - System.nanoTime();
        }
    }

    private static double secondsSince(long begin) {
        return (System.nanoTime() - begin) / 1e9;
    }

    /// The exact number of changes that are committed on the source and not applied.
    private static final class Lag {
        private final ItemScene scene;
        private final ChangeLoad load;
        private final long base;

        Lag(ItemScene scene, ChangeLoad load) throws SQLException {
            this.scene = scene;
            this.load = load;
            this.base = applied();
        }

        long changes() throws SQLException {
            long committed = load.committed();
            return Math.max(0, committed - (applied() - base));
        }

        private long applied() throws SQLException {
            return ItemScene.number(
                    scene.target, "SELECT sum(changes_total) FROM millrace.stored_offset");
        }
    }

    /// In bytes.
    ///
    /// @param heap what is reachable after a full collection
    private record Memory(long heap, long resident) {

        static Memory of(ServiceProcess service) throws Exception {
            return new Memory(service.reachableHeap(), service.residentMemory());
        }

        @Override
        public String toString() {
            return "heap " + heap / MIB + " MiB, resident " + resident / MIB + " MiB";
        }
    }
}
