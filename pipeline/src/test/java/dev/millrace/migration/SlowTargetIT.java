package dev.millrace.migration;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.flow.FlowReport;
import dev.millrace.reconcile.ReconciliationReport.Verdict;
import dev.millrace.spec.MigrationSpec.Backfill;
import dev.millrace.spec.flow.StopCondition;
import dev.millrace.spec.flow.StopCondition.Consequence;
import dev.millrace.spec.flow.StopCondition.Measure;
import dev.millrace.spec.flow.StopCondition.Metric;
import dev.millrace.testing.CutProxy;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicReference;
import org.awaitility.Awaitility;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/// A target that is slow or does not answer, behind a proxy.
@Tag("faults")
@Timeout(900)
class SlowTargetIT {

    private static final Duration PATIENCE = Duration.ofMinutes(3);

    private final AtomicReference<@Nullable CutProxy> way = new AtomicReference<>();

    @AfterEach
    void closeProxy() {
        way().close();
    }

    private CutProxy way() {
        return Objects.requireNonNull(way.get());
    }

    private MigrationScene scene() throws Exception {
        MigrationScene scene =
                new MigrationScene(
                                database -> {
                                    CutProxy proxy = CutProxy.before(database);
                                    way.set(proxy);
                                    return proxy;
                                })
                        .backfill(Backfill.WINDOWS)
                        .table("doc", "id int PRIMARY KEY, title text");
        scene.source.execute("INSERT INTO doc SELECT g, 't' FROM generate_series(1, 100) g");
        return scene;
    }

    /// A disk that needs 300 ms for each commit looks like this from outside.
    @Test
    void slowCommitsSlowBothPartsStepByStepAndRelease() throws Exception {
        StopCondition slow =
                new StopCondition(
                        "slow",
                        new Measure.BuiltIn(Metric.TARGET_COMMIT_P95),
                        0.2,
                        Duration.ofSeconds(1),
                        Consequence.SLOW);
        try (MigrationScene scene = scene().stopWhen(slow)) {
            scene.start();
            scene.awaitPhase("IN_SYNC");
            Awaitility.await().atMost(PATIENCE).until(() -> state(scene).equals("below"));
            way().wire().delay(Duration.ofMillis(150));

            Awaitility.await().atMost(PATIENCE).until(() -> state(scene).equals("held"));
            Awaitility.await().atMost(PATIENCE).until(() -> speed(scene).share() < 0.2);

            assertThat(Objects.requireNonNull(speed(scene).reason()))
                    .contains("target.commit.p95 is", "above 200 ms");
            scene.source.execute("INSERT INTO doc VALUES (1000, 'slow')");
            Awaitility.await()
                    .atMost(PATIENCE)
                    .until(
                            () ->
                                    "1"
                                            .equals(
                                                    scene.target.value(
                                                            "SELECT count(*) FROM doc WHERE id = 1000")));
            way().wire().delay(Duration.ZERO);
            Awaitility.await().atMost(PATIENCE).until(() -> state(scene).equals("below"));
            assertThat(speed(scene).share()).isEqualTo(1);
            scene.awaitPhase("IN_SYNC");
        }
    }

    private static String state(MigrationScene scene) {
        return scene.running().status().stopWhen().getFirst().state();
    }

    private static FlowReport.Speed speed(MigrationScene scene) {
        return Objects.requireNonNull(
                Objects.requireNonNull(scene.running().status().apply()).speed());
    }

    /// The log keeps the changes, so the source need not.
    @Test
    void theSourceRetainsNoWalWhileTheTargetDoesNotAnswer() throws Exception {
        try (MigrationScene scene = scene()) {
            scene.start();
            scene.awaitPhase("IN_SYNC");
            way().refuse();
            for (int round = 1; round <= 12; round++) {
                scene.source.execute(
                        "INSERT INTO doc SELECT %d * 10000 + g, repeat('x', 2000) FROM generate_series(1, 5000) g"
                                .formatted(round));
                String written = String.valueOf(scene.source.value("SELECT pg_current_wal_lsn()"));

                Awaitility.await().atMost(PATIENCE).until(() -> mayRemove(scene, written));
            }

            assertThat(scene.target.value("SELECT count(*) FROM doc")).isEqualTo("100");
            way().resume();
            scene.awaitPhase("IN_SYNC");
            assertThat(scene.reconcile().verdict()).isEqualTo(Verdict.EQUAL);
            assertThat(scene.target.value("SELECT count(*) FROM doc")).isEqualTo("60100");
        }
    }

    /// Whether the slot needs no WAL from before this position any more.
    private static boolean mayRemove(MigrationScene scene, String written) {
        scene.source.execute("CHECKPOINT");
        return "t"
                .equals(
                        scene.source.value(
                                "SELECT restart_lsn >= '%s' FROM pg_replication_slots WHERE slot_name = '%s'"
                                        .formatted(written, scene.slot())));
    }
}
