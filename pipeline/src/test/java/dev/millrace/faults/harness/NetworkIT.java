package dev.millrace.faults.harness;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.faults.harness.Edges.Edge;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Every fault of the network on every edge of a migration, while the source is written to.
/// `-Dseed=` repeats a run. `ControlApiIT` has the edge to the operator.
@Tag("faults")
class NetworkIT {

    private static final Logger LOG = LoggerFactory.getLogger(NetworkIT.class);
    private static final int ROWS_PER_SECOND = 400;
    private static final Duration SHORTEST_FAULT = Duration.ofMillis(500);
    private static final int MORE_FAULT_MILLIS = 2_500;
    private static final int MOST_PAUSE_MILLIS = 2_000;

    private record EdgeFault(Edge edge, NetworkFault fault) {
        @Override
        public String toString() {
            return fault + " to " + edge;
        }
    }

    @Test
    void everyFaultOnEveryEdgeLosesAndRepeatsNothing() throws Exception {
        long seed = seed();
        Random random = new Random(seed);
        try (Edges edges = new Edges(Databases.ofSharedServers());
                RunScene scene =
                        new RunScene(edges.databases(), edges.addresses(), seed, ROWS_PER_SECOND);
                MigrationChild child = scene.start("first", null, List.of())) {
            List<EdgeFault> faults = new ArrayList<>();
            for (Edge edge : edges.all()) {
                for (NetworkFault fault : NetworkFault.values()) {
                    faults.add(new EdgeFault(edge, fault));
                }
            }
            Collections.shuffle(faults, random);
            LOG.info("seed {}: {}", seed, faults);
            child.awaitOpen();
            for (EdgeFault fault : faults) {
                LOG.info("{}", fault);
                fault.fault().begin(fault.edge().wire(), random);
                scene.pause(SHORTEST_FAULT.plusMillis(random.nextInt(MORE_FAULT_MILLIS)));
                child.requireAlive();
                fault.edge().wire().resume();
                scene.pause(Duration.ofMillis(random.nextInt(MOST_PAUSE_MILLIS)));
            }
            child.endLimitOfBackfill();
            scene.check(child);

            assertThat(scene.violations()).isEmpty();
        }
    }

    /// The network forgets all idle connections and tells neither side. Only what the migration
    /// itself notices ends them.
    @Test
    void lostConnectionsAreNoticed() throws Exception {
        long seed = seed();
        LOG.info("seed {}", seed);
        try (Edges edges = new Edges(Databases.ofSharedServers());
                RunScene scene =
                        new RunScene(edges.databases(), edges.addresses(), seed, ROWS_PER_SECOND);
                MigrationChild child = scene.start("first", null, List.of())) {
            child.awaitOpen();
            child.endLimitOfBackfill();
            scene.awaitInSync(child);
            scene.endWriters(child);
            edges.all().forEach(edge -> edge.wire().lose());
            scene.writeOnce();
            scene.check(child);

            assertThat(scene.violations()).isEmpty();
        }
    }

    private static long seed() {
        return Long.getLong("seed", System.nanoTime());
    }
}
