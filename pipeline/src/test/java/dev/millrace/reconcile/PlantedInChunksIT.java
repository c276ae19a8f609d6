package dev.millrace.reconcile;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.reconcile.ReconciliationReport.TableReport;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInfo;

/// As [ReconcilerIT], with tables that are compared in chunks.
class PlantedInChunksIT extends ReconcilerIT {

    /// Its tables have no primary key, or no chunk can be planned.
    private static final Set<String> WITHOUT_CHUNKS =
            Set.of(
                    "smallTablesShareAReadAndEachHasItsOwnVerdict",
                    "tableThatCannotBeReadIsUndecided");

    PlantedInChunksIT() {
        scene.analyze();
        scene.limits = UsersScene.inChunks(40, 10_000);
    }

    @AfterEach
    void chunksAreCompared(TestInfo test) {
        if (WITHOUT_CHUNKS.contains(test.getTestMethod().orElseThrow().getName())) {
            assertThat(scene.planned).isEmpty();
        } else {
            scene.requireChunks();
        }
    }

    /// In chunks, all are counted up to the limit of a table.
    @Override
    @Test
    void scansACompletelyDifferentTableThreeTimesAndCountsALowerBound() {
        fillMore(2_000);
        scene.target.execute("UPDATE crm.customer SET amount = -1");

        TableReport table = scene.table();

        assertThat(table.different()).isEqualTo(270 + 2_000);
        assertThat(table.complete()).isTrue();
        assertThat(table.sourceRows()).isEqualTo(270 + 2_000);
    }
}
