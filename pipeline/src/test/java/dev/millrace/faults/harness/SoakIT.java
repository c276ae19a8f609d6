package dev.millrace.faults.harness;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.faults.harness.Edges.Edge;
import dev.millrace.faults.harness.PointFault.Act;
import dev.millrace.lifecycle.PausePoint;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// A migration under random faults for `-Dminutes=` (10): kills at named points and at any time,
/// freezes, faults of the network on every edge, ended sessions, and servers that are killed or
/// restarted. Heap and retained WAL are written to `target/soak` as CSV and as a plot. `-Dseed=`
/// repeats the faults.
@Tag("soak")
class SoakIT {

    private static final Logger LOG = LoggerFactory.getLogger(SoakIT.class);
    private static final int ROWS_PER_SECOND = 400;
    private static final int MOST_PASSAGES = 400;
    private static final int MOST_FAULTS_OF_A_CHILD = 12;
    private static final int MOST_PAUSE_MILLIS = 6_000;
    private static final Duration SHORTEST_FAULT = Duration.ofMillis(300);
    private static final int MORE_FAULT_MILLIS = 4_000;

    private final long seed = Long.getLong("seed", System.nanoTime());
    private final Random random = new Random(seed);
    private final long end =
            System.nanoTime() + Duration.ofMinutes(Integer.getInteger("minutes", 10)).toNanos();
    private final SoakRecord record = new SoakRecord();

    @Test
    void staysEqualAndSmallUnderRandomFaults() throws Exception {
        LOG.info("seed {}", seed);
        try (SoakServers servers = new SoakServers();
                RunScene scene =
                        new RunScene(
                                servers.edges().databases(),
                                servers.edges().addresses(),
                                seed,
                                ROWS_PER_SECOND)) {
            scene.endLimitOfBackfill();
            int children = 0;
            while (System.nanoTime() < end && scene.violations().isEmpty()) {
                try (MigrationChild child = scene.start("first", fault(), List.of())) {
                    live(child, scene, servers);
                }
                children++;
            }
            Path written = record.write(seed);
            try (MigrationChild child = scene.start("first", null, List.of())) {
                scene.check(child);
            }
            LOG.info(
                    "seed {}, {} children, {} faults {}, {} transactions, at most {} MB of WAL retained; see {}",
                    seed,
                    children,
                    record.faults(),
                    record.kinds(),
                    scene.transactions(),
                    scene.mostRetained() >> 20,
                    written);

            assertThat(scene.violations()).isEmpty();
            record.requireFlat();
        }
    }

    private PointFault fault() {
        PausePoint[] points = PausePoint.values();
        return new PointFault(
                points[random.nextInt(points.length)],
                1 + random.nextInt(MOST_PASSAGES),
                Act.KILL,
                false);
    }

    /// Ends when the child does, or when it has had enough faults; then it is killed.
    private void live(MigrationChild child, RunScene scene, SoakServers servers)
            throws IOException, InterruptedException {
        for (int left = 1 + random.nextInt(MOST_FAULTS_OF_A_CHILD);
                left > 0 && System.nanoTime() < end && child.isAlive();
                left--) {
            scene.pause(Duration.ofMillis(random.nextInt(MOST_PAUSE_MILLIS)));
            record.sample(scene.retained(), child.heap());
            Duration time = SHORTEST_FAULT.plusMillis(random.nextInt(MORE_FAULT_MILLIS));
            switch (random.nextInt(10)) {
                case 0, 1 -> {
                    record.fault("freeze");
                    child.freeze();
                    scene.pause(time);
                    child.thaw();
                }
                case 2 -> {
                    record.fault("sessions ended");
                    scene.endSessions();
                }
                case 3 -> record.fault(scene.outage(() -> servers.restart(random)));
                default -> disturb(servers.edges(), scene, time);
            }
        }
        if (child.endedBeyondItsPoint()) {
            scene.stopped(new IllegalStateException("The child ended:\n" + child.said()));
        }
        record.fault("kill");
    }

    private void disturb(Edges edges, RunScene scene, Duration time) throws InterruptedException {
        Edge edge = edges.all().get(random.nextInt(edges.all().size()));
        NetworkFault[] kinds = NetworkFault.values();
        NetworkFault kind = kinds[random.nextInt(kinds.length)];
        record.fault(kind + " " + edge);
        kind.begin(edge.wire(), random);
        scene.pause(time);
        edge.wire().resume();
    }
}
