package dev.millrace.faults;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.sandbox.SandboxPostgres;
import dev.millrace.sandbox.SandboxPostgres.StopMode;
import dev.millrace.testing.BrokerProcess;
import dev.millrace.testing.Waits;
import java.time.Duration;
import java.util.concurrent.locks.LockSupport;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/// Stops and restarts a server: the status names it within ten seconds, and the migration continues
/// by itself.
class OutagesIT {

    private static final Duration NAMED_WITHIN = Duration.ofSeconds(10);

    @Test
    void theTargetIsDownForSeconds() throws Exception {
        try (ShopScene scene = new ShopScene(5_000, 40, 1)) {
            scene.startService().awaitPhase("IN_SYNC", Waits.LIMIT);
            scene.target.stop(StopMode.FAST);
            named(scene, "target");
            scene.target.restart();
            scene.requireComplete();
        }
    }

    @Test
    @Tag("faults")
    void theTargetIsDownForAMinute() throws Exception {
        try (ShopScene scene = new ShopScene(20_000, 40, 2)) {
            scene.startService().awaitPhase("IN_SYNC", Waits.LIMIT);
            scene.target.stop(StopMode.FAST);
            named(scene, "target");
            // The test needs an outage of this length.
            LockSupport.parkNanos(Duration.ofSeconds(60).toNanos());
            scene.target.restart();
            scene.requireComplete();
        }
    }

    @Test
    @Tag("faults")
    void theTargetHangsAndContinues() throws Exception {
        try (ShopScene scene = new ShopScene(5_000, 40, 3)) {
            scene.startService().awaitPhase("IN_SYNC", Waits.LIMIT);
            scene.target.suspend();
            named(scene, "target");
            scene.target.resume();
            scene.requireComplete();
        }
    }

    @Test
    @Tag("faults")
    void theSourceIsRestarted() throws Exception {
        try (ShopScene scene = new ShopScene(5_000, 40, 4)) {
            scene.startService().awaitPhase("IN_SYNC", Waits.LIMIT);
            crash(scene.source);
            named(scene, "source");
            scene.source.restart();
            scene.requireComplete();
        }
    }

    @Test
    @Tag("faults")
    void theBrokerIsKilledAndRestarted() throws Exception {
        try (BrokerProcess broker = new BrokerProcess();
                ShopScene scene = new ShopScene(5_000, 40, 5, kafka(broker))) {
            scene.startService().awaitPhase("IN_SYNC", Waits.LIMIT);
            broker.kill();
            named(scene, "kafka");
            broker.restart();
            scene.requireComplete();
        }
    }

    @Test
    @Tag("faults")
    void theSnapshotSurvivesABrokerOutageOfFortySeconds() throws Exception {
        try (BrokerProcess broker = new BrokerProcess();
                ShopScene scene = new ShopScene(100_000, 40, 6, kafka(broker))) {
            scene.startService();
            Awaitility.await()
                    .atMost(Waits.LIMIT)
                    .pollInterval(Duration.ofMillis(50))
                    .until(() -> scene.service().events() > 0);
            broker.kill();
            named(scene, "kafka");
            assertThat(scene.service().phase()).isEqualTo("BACKFILLING");
            // The test needs an outage of this length.
            LockSupport.parkNanos(Duration.ofSeconds(40).toNanos());
            broker.restart();
            scene.requireComplete();
            assertThat(status(scene).path("generation").intValue()).isEqualTo(1);
        }
    }

    private static String kafka(BrokerProcess broker) {
        return "kafka:\n  bootstrap-servers: " + broker.bootstrapServers() + "\n  partitions: 3\n";
    }

    private static JsonNode status(ShopScene scene) {
        return scene.service().status().orElseThrow();
    }

    private static void crash(SandboxPostgres server) {
        server.crash();
    }

    private static void named(ShopScene scene, String part) {
        Awaitility.await()
                .atMost(NAMED_WITHIN)
                .pollInterval(Duration.ofMillis(200))
                .untilAsserted(
                        () -> assertThat(status(scene).path("blockers").toString()).contains(part));
        assertThat(scene.service().phase()).isNotEmpty();
    }
}
