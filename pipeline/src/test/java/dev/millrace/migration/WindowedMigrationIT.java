package dev.millrace.migration;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.reconcile.ReconciliationReport.Verdict;
import dev.millrace.spec.MigrationSpec.Backfill;
import java.io.IOException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/// A migration whose existing rows are read beside the stream, and rows that only a later read
/// completes.
@Timeout(300)
class WindowedMigrationIT {

    /// Longer than what PostgreSQL keeps in the row itself, and not compressible.
    private static final String LARGE =
            "(SELECT string_agg(md5(random()::text), '') FROM generate_series(1, 400) i)";

    private static MigrationScene scene(Backfill backfill) throws IOException {
        return new MigrationScene()
                .backfill(backfill)
                .table("doc", "id int PRIMARY KEY, title text, body text");
    }

    private static void fill(MigrationScene scene, int from, int to) {
        scene.source.execute(
                "INSERT INTO doc SELECT g, 't' || g, NULL FROM generate_series("
                        + from
                        + ", "
                        + to
                        + ") g",
                "UPDATE doc SET body = " + LARGE + " WHERE id % 10 = 0 AND body IS NULL");
    }

    private static void assertEqual(MigrationScene scene) throws Exception {
        assertThat(scene.reconcile().verdict()).isEqualTo(Verdict.EQUAL);
        String rows = "SELECT md5(string_agg(d::text, ',' ORDER BY id)) FROM doc d";
        assertThat(scene.target.value(rows)).isEqualTo(scene.source.value(rows));
    }

    @Test
    void copiesWhatExistsWhileItChanges() throws Exception {
        try (MigrationScene scene = scene(Backfill.WINDOWS)) {
            fill(scene, 1, 5000);
            scene.start();
            for (int i = 0; i < 20; i++) {
                scene.source.execute(
                        "UPDATE doc SET title = 'u" + i + "' WHERE id % 20 = " + i,
                        "DELETE FROM doc WHERE id = " + (100 + i),
                        "UPDATE doc SET id = id + 100000 WHERE id = " + (1000 + 10 * i),
                        "INSERT INTO doc VALUES (" + (20000 + i) + ", 'late', 'b')");
            }
            scene.awaitPhase("IN_SYNC");

            assertEqual(scene);
            assertThat(scene.running().status().tables())
                    .allMatch(table -> table.backfill().done() && table.stopped() == null);
        }
    }

    /// The change of a key sends the new row without its unchanged large value.
    @ParameterizedTest
    @EnumSource(Backfill.class)
    void aKeyChangeWithAnUnchangedLargeValueIsCompleted(Backfill backfill) throws Exception {
        try (MigrationScene scene = scene(backfill)) {
            fill(scene, 1, 100);
            scene.start();
            scene.awaitPhase("IN_SYNC");

            scene.source.execute(
                    "UPDATE doc SET id = 1000 WHERE id = 10",
                    "UPDATE doc SET title = 'after the move' WHERE id = 1000",
                    "UPDATE doc SET id = id + 2000 WHERE id IN (20, 30)",
                    "DELETE FROM doc WHERE id = 2020");

            assertEqual(scene);
            assertThat(scene.target.value("SELECT title FROM doc WHERE id = 1000"))
                    .isEqualTo("after the move");
            assertThat(scene.running().status().tables())
                    .allMatch(table -> table.stopped() == null);
        }
    }

    @Test
    void aRestartContinuesTheBackfill() throws Exception {
        try (MigrationScene scene = scene(Backfill.WINDOWS)) {
            fill(scene, 1, 3000);
            scene.start();
            scene.awaitPhase("BACKFILLING");
            scene.stop();
            scene.source.execute("UPDATE doc SET title = 'while stopped' WHERE id % 3 = 0");

            scene.start();
            scene.awaitPhase("IN_SYNC");

            assertEqual(scene);
            assertThat(scene.running().status().generation()).isEqualTo(1);
        }
    }
}
