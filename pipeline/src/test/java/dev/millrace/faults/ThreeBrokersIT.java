package dev.millrace.faults;

import dev.millrace.change.Topics;
import dev.millrace.testing.BrokerCluster;
import dev.millrace.testing.Waits;
import java.time.Duration;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/// Three brokers, of which one is killed: the leader of a partition of the log, then the active
/// controller. Two replicas are enough, so the migration goes on while one is missing.
@Tag("faults")
@Timeout(900)
class ThreeBrokersIT {

    private static final String MIGRATION = "faults";

    @Test
    void theLossOfAnyBrokerLosesAndRepeatsNothing() throws Exception {
        try (BrokerCluster cluster = new BrokerCluster();
                ShopScene scene =
                        new ShopScene(
                                5_000,
                                40,
                                7,
                                "kafka:\n  bootstrap-servers: %s\n  partitions: 3\n"
                                        .formatted(cluster.bootstrapServers()))) {
            ServiceProcess service = scene.startService();
            service.awaitPhase("IN_SYNC", Waits.LIMIT);

            lose(cluster, scene, cluster.leader(new Topics(MIGRATION).changes(), 0));
            lose(cluster, scene, cluster.controller());
            lose(cluster, scene, cluster.leader(new Topics(MIGRATION).target(), 1));

            scene.requireComplete();
        }
    }

    private static void lose(BrokerCluster cluster, ShopScene scene, int broker) throws Exception {
        cluster.kill(broker);
        long before = scene.service().events();
        Awaitility.await()
                .atMost(Waits.LIMIT)
                .pollInterval(Duration.ofMillis(200))
                .until(() -> scene.service().events() > before);
        cluster.restart(broker);
    }
}
