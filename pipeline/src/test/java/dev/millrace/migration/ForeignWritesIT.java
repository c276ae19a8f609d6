package dev.millrace.migration;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.rebackfill.Rebackfill.Request;
import dev.millrace.reconcile.ReconciliationReport.Verdict;
import dev.millrace.spec.MigrationSpec.Backfill;
import dev.millrace.spec.reconcile.ReconcileSetting;
import dev.millrace.switchover.Operation.State;
import dev.millrace.testing.Waits;
import java.time.Duration;
import java.util.Objects;
import java.util.Optional;
import java.util.UUID;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/// Writes of another program on the target are found while no reconciliation runs.
class ForeignWritesIT {

    private static final String INTO_OTHER =
            "INSERT INTO other VALUES (2000, 'foreign')"
                    + " ON CONFLICT (id) DO UPDATE SET name = 'foreign'";

    @AutoClose private final MigrationScene scene = new MigrationScene();

    ForeignWritesIT() throws Exception {}

    @BeforeEach
    void startInSync() throws Exception {
        scene.table("item", "id int PRIMARY KEY, name text")
                .table("other", "id int PRIMARY KEY, name text")
                .reconciling(ReconcileSetting.DEFAULT)
                .backfill(Backfill.WINDOWS);
        scene.source.execute("INSERT INTO item SELECT g, 'n' FROM generate_series(1, 1500) g");
        scene.start();
        scene.awaitPhase("IN_SYNC");
    }

    /// Repeated, because the first round only notes where it begins.
    private StatusReport.ForeignWrites writeUntilFound(String sql) {
        return Objects.requireNonNull(
                Awaitility.await()
                        .atMost(Waits.LIMIT)
                        .pollInterval(Duration.ofMillis(500))
                        .until(
                                () -> {
                                    scene.writeTargetAsMigration(sql);
                                    return scene.running().status().foreignWrites();
                                },
                                Objects::nonNull));
    }

    @Test
    void findsRowsThatAnotherProgramWrote() throws Exception {
        StatusReport.ForeignWrites found =
                writeUntilFound("UPDATE item SET name = 'foreign' WHERE id IN (3, 4)");

        assertThat(found.tables()).containsExactly("public.item");
        assertThat(found.rows()).isGreaterThanOrEqualTo(2);
        StatusReport status = scene.running().status();
        assertThat(status.blockers())
                .anySatisfy(
                        blocker ->
                                assertThat(blocker)
                                        .contains(
                                                "Another program wrote ",
                                                " rows of public.item on the target"));
        assertThat(Objects.requireNonNull(status.lastReconciliation()).verdict())
                .as("a switchover is refused")
                .isEqualTo("different");
    }

    @Test
    void aComparisonThatFindsAllTablesEqualEndsIt() throws Exception {
        writeUntilFound("UPDATE item SET name = 'foreign' WHERE id = 3");
        repairUntilEqual();
    }

    private void repairUntilEqual() {
        scene.source.execute("UPDATE item SET name = 'repaired' WHERE id = 3");
        Awaitility.await()
                .atMost(Waits.LIMIT)
                .until(
                        () ->
                                scene.reconcile().verdict() == Verdict.EQUAL
                                        && scene.running().status().foreignWrites() == null);
    }

    /// A later difference does not show it again.
    @Test
    void whatWasFoundBeforeAllTablesWereEqualIsNotShownAgain() throws Exception {
        writeUntilFound("UPDATE item SET name = 'foreign' WHERE id = 3");
        repairUntilEqual();

        assertThat(writeUntilFound(INTO_OTHER).tables()).containsExactly("public.other");
    }

    @Test
    void norInALaterGeneration() throws Exception {
        writeUntilFound("UPDATE item SET name = 'foreign' WHERE id = 3");
        repairUntilEqual();
        UUID id =
                Objects.requireNonNull(
                        scene.running()
                                .rebackfill(
                                        new Request(
                                                Optional.empty(),
                                                "a later generation",
                                                Optional.empty(),
                                                Optional.empty(),
                                                Optional.empty(),
                                                false))
                                .id());
        Awaitility.await()
                .atMost(Waits.LIMIT)
                .until(() -> scene.running().rebackfill(id).orElseThrow().state() == State.DONE);
        scene.awaitPhase("IN_SYNC");

        assertThat(writeUntilFound(INTO_OTHER).tables()).containsExactly("public.other");
    }

    /// A round looks at a thousand rows of a table. The others follow, although the first ones are
    /// equal and have the same writer.
    @Test
    void oneDifferenceAmongManyEqualRowsOfATransactionIsFound() throws Exception {
        writeUntilFound(INTO_OTHER);

        scene.writeTargetAsMigration(
                "UPDATE item SET name = CASE WHEN id = 1500 THEN 'foreign' ELSE name END");

        Awaitility.await()
                .atMost(Waits.LIMIT)
                .until(
                        () ->
                                Objects.requireNonNull(scene.running().status().foreignWrites())
                                        .tables()
                                        .contains("public.item"));
    }

    /// Rows that apply wrote meanwhile are not among them.
    @Test
    void whatApplyWritesIsNotForeign() throws Exception {
        for (int i = 0; i < 20; i++) {
            scene.source.execute(
                    "UPDATE item SET name = 'n" + i + "' WHERE id % 7 = " + i % 7,
                    "INSERT INTO other VALUES (" + i + ", 'x')");
        }

        StatusReport.ForeignWrites found =
                writeUntilFound(
                        "INSERT INTO other VALUES (1000, 'foreign')"
                                + " ON CONFLICT (id) DO UPDATE SET name = 'foreign'");

        assertThat(found.tables()).containsExactly("public.other");
    }
}
