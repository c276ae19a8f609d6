package dev.millrace.migration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.millrace.reconcile.ReconciliationReport.Verdict;
import dev.millrace.rejected.TableChange;
import dev.millrace.replication.RefusedException;
import dev.millrace.testing.Waits;
import java.time.Duration;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/// A stopped table from its stop to the verdict, with a service that is restarted in between.
class TableResumeMigrationIT {

    private static final String COLUMNS = "id int PRIMARY KEY, name text, n int DEFAULT 0";

    private static TableChange resume(String table, boolean dryRun) {
        return new TableChange(table, false, "fixed", Optional.of("ann"), Optional.empty(), dryRun);
    }

    private static StatusReport.Table item(MigrationScene scene) {
        return scene.running().status().tables().stream()
                .filter(table -> table.target().equals("public.item"))
                .findFirst()
                .orElseThrow();
    }

    private static void awaitStopped(MigrationScene scene, String reason) {
        await().atMost(Waits.LIMIT)
                .untilAsserted(() -> assertThat(item(scene).stopped()).contains(reason));
    }

    @Test
    void aStoppedTableContinuesAfterARestartAndOldRecordsAreKeptForIt() throws Exception {
        try (MigrationScene scene = new MigrationScene()) {
            scene.table("item", COLUMNS).table("other", COLUMNS);
            scene.source.execute("INSERT INTO item SELECT i, 'x' FROM generate_series(1, 500) i");
            scene.start();
            scene.awaitPhase("IN_SYNC");
            assertThatThrownBy(() -> scene.running().rejected().resume(resume("public.item", true)))
                    .isInstanceOf(RefusedException.class)
                    .hasMessageContaining("is not stopped");
            scene.target.execute("ALTER TABLE item RENAME COLUMN n TO m");
            scene.source.execute(
                    "UPDATE item SET n = id WHERE id % 3 = 0",
                    "DELETE FROM item WHERE id % 7 = 0", "INSERT INTO other VALUES (1, 'flows')");
            awaitStopped(scene, "column");
            await().atMost(Waits.LIMIT)
                    .until(() -> "1".equals(scene.target.value("SELECT count(*) FROM other")));
            assertThat(scene.running().status().blockers().toString())
                    .contains("millrace resume --table public.item");

            scene.stop();
            scene.retain(Duration.ZERO);
            scene.source.execute(
                    "UPDATE item SET name = 'later' WHERE id < 50",
                    "INSERT INTO item VALUES (9999, 'new', 1)");
            scene.target.execute("ALTER TABLE item RENAME COLUMN m TO n");
            scene.start();
            awaitStopped(scene, "column");
            scene.retain(Duration.ZERO);
            assertThat(scene.running().rejected().resume(resume("public.item", true)))
                    .contains("would continue");
            assertThat(scene.running().rejected().resume(resume("public.item", false)))
                    .contains("public.item continues");
            scene.awaitPhase("IN_SYNC");

            assertThat(scene.reconcile().verdict()).isEqualTo(Verdict.EQUAL);
            assertThat(item(scene).rejected()).isZero();
            assertThat(
                            scene.target.query(
                                    "SELECT who, detail ->> 'what', detail ->> 'reason' FROM"
                                            + " millrace.journal WHERE event = 'table-resume'"))
                    .hasToString("[[ann, public.item, fixed]]");
        }
    }

    @Test
    void onlyTargetTablesOfTheMigrationContinue() throws Exception {
        try (MigrationScene scene = new MigrationScene()) {
            scene.table("item", COLUMNS);
            scene.start();
            scene.awaitPhase("IN_SYNC");
            assertThatThrownBy(() -> scene.running().rejected().resume(resume("item", false)))
                    .isInstanceOf(RefusedException.class)
                    .hasMessageContaining("has no target table 'item'");
            assertThatThrownBy(
                            () -> scene.running().rejected().resume(resume("public.item", false)))
                    .isInstanceOf(RefusedException.class)
                    .hasMessageContaining("is not stopped");
        }
    }
}
