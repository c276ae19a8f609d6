package dev.millrace.migration;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.reconcile.ReconciliationReport;
import dev.millrace.reconcile.ReconciliationReport.Verdict;
import dev.millrace.spec.reconcile.ReconcileSetting;
import dev.millrace.spec.reconcile.Schedule;
import dev.millrace.testing.Waits;
import dev.millrace.verdict.Reconciliations.ReconciliationState;
import java.sql.Connection;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.UUID;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/// Reconciliations that the service begins or continues by itself.
class UnattendedReconciliationIT {

    @AutoClose private final MigrationScene scene = new MigrationScene();

    UnattendedReconciliationIT() throws Exception {}

    @BeforeEach
    void createTable() {
        scene.table("item", "id int PRIMARY KEY, name text");
        scene.source.execute("INSERT INTO item SELECT g, 'n' FROM generate_series(1, 500) g");
    }

    private void startInSync() throws Exception {
        scene.start();
        scene.awaitPhase("IN_SYNC");
    }

    /// A reconciliation that has begun and waits for a lock on the target.
    private UUID waitingForALock(Connection holder) throws Exception {
        holder.setAutoCommit(false);
        holder.createStatement().execute("LOCK TABLE item IN ACCESS EXCLUSIVE MODE");
        UUID id = scene.running().reconcile(List.of());
        scene.awaitWaiting(scene.target, "reconcile");
        return id;
    }

    private ReconciliationReport awaitVerdict(UUID id, Verdict verdict) {
        Optional<ReconciliationState> state =
                Awaitility.await()
                        .atMost(Waits.LIMIT)
                        .until(
                                () -> scene.running().reconciliation(id),
                                now -> now.filter(each -> isDecided(each, verdict)).isPresent());
        return ((ReconciliationState.Finished) state.orElseThrow()).report();
    }

    private static boolean isDecided(ReconciliationState state, Verdict verdict) {
        return state instanceof ReconciliationState.Finished(var report)
                && report.verdict() == verdict;
    }

    @Test
    void oneThatARestartInterruptedContinuesByItself() throws Exception {
        startInSync();
        UUID id;
        Instant before = Instant.now();
        try (Connection holder = scene.target.connect()) {
            id = waitingForALock(holder);
            scene.stop();
        }
        Instant stopped = Instant.now();

        scene.start();

        assertThat(awaitVerdict(id, Verdict.EQUAL).startedAt())
                .as("when it was requested")
                .isBetween(before, stopped);
    }

    @Test
    void oneThatLostAConnectionContinuesByItself() throws Exception {
        startInSync();
        UUID id;
        try (Connection holder = scene.target.connect()) {
            id = waitingForALock(holder);
            scene.target.query(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE"
                            + " wait_event_type = 'Lock' AND application_name = 'millrace "
                            + scene.name
                            + " reconcile'");
            awaitVerdict(id, Verdict.UNDECIDED);
        }

        assertThat(awaitVerdict(id, Verdict.EQUAL).tables().getFirst().sourceRows()).isEqualTo(500);
        assertThat(scene.running().status().lastReconciliation()).isNotNull();
        Awaitility.await()
                .atMost(Waits.LIMIT)
                .untilAsserted(
                        () ->
                                assertThat(
                                                scene.target.value(
                                                        "SELECT string_agg(verdict, ',') FROM"
                                                                + " millrace.reconciliation"))
                                        .as("one report of one reconciliation")
                                        .isEqualTo("equal"));
    }

    @Test
    void aCancelledOneIsNotContinued() throws Exception {
        startInSync();
        try (Connection holder = scene.target.connect()) {
            UUID id = waitingForALock(holder);
            scene.running().cancelReconciliation(id);
        }

        assertThat(scene.target.value("SELECT count(*) FROM millrace.reconciliation_pass"))
                .isEqualTo("0");
    }

    @Test
    void theScheduleComparesAllTablesAgainAndAgain() throws Exception {
        scene.reconciling(
                new ReconcileSetting(
                        new Schedule.Every(Duration.ofSeconds(2)),
                        Schedule.NEVER,
                        ReconcileSetting.Load.DEFAULT,
                        false));
        startInSync();

        Instant first = awaitLast(Instant.EPOCH);

        assertThat(awaitLast(first)).isAfter(first);
        assertThat(scene.running().status().lastReconciliation())
                .extracting(StatusReport.LastReconciliation::verdict)
                .isEqualTo("equal");
    }

    @Test
    void theScheduleComparesTouchedKeysInBetween() throws Exception {
        scene.reconciling(
                new ReconcileSetting(
                        new Schedule.Every(Duration.ofHours(1)),
                        new Schedule.Every(Duration.ofSeconds(1)),
                        ReconcileSetting.Load.DEFAULT,
                        false));
        startInSync();
        Instant first = awaitLast(Instant.EPOCH);
        scene.source.execute("UPDATE item SET name = 'changed' WHERE id <= 10");
        awaitLast(awaitLast(first));

        assertThat(scene.running().status().lastReconciliation())
                .extracting(StatusReport.LastReconciliation::verdict)
                .isEqualTo("equal");
        assertThat(
                        scene.target.value(
                                "SELECT count(*) FROM millrace.reconciliation WHERE"
                                        + " report->'tables'->0->>'method' = 'all rows'"))
                .isEqualTo("1");
        scene.writeTargetAsMigration("DELETE FROM item WHERE id = 400");

        Awaitility.await()
                .atMost(Waits.LIMIT)
                .until(
                        () ->
                                Objects.requireNonNull(
                                                scene.running().status().lastReconciliation())
                                        .verdict()
                                        .equals("different"));
    }

    /// @return when all tables were compared after this moment
    private Instant awaitLast(Instant after) {
        return Awaitility.await()
                .atMost(Waits.LIMIT)
                .until(
                        () -> {
                            var last = scene.running().status().lastReconciliation();
                            return last == null || last.allTablesAt() == null
                                    ? Instant.EPOCH
                                    : Objects.requireNonNull(last.allTablesAt());
                        },
                        found -> found.isAfter(after));
    }
}
