package dev.millrace.migration;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.reconcile.ReconciliationReport.Verdict;
import org.junit.jupiter.api.Test;

class MigrationIT {

    @Test
    void copiesATableFollowsItsChangesAndProvesItEqual() throws Exception {
        try (MigrationScene scene = new MigrationScene()) {
            scene.table("item", "id int PRIMARY KEY, name text, price numeric(12,2)");
            scene.source.execute(
                    "INSERT INTO item SELECT g, 'n' || g, g / 3.0 FROM generate_series(1, 5000) g");
            scene.start();
            scene.awaitPhase("IN_SYNC");
            scene.source.execute(
                    "UPDATE item SET name = NULL WHERE id % 7 = 0",
                    "DELETE FROM item WHERE id % 11 = 0",
                    "INSERT INTO item VALUES (9001, 'tab\there', 1)");

            assertThat(scene.reconcile().verdict()).isEqualTo(Verdict.EQUAL);
            assertThat(scene.target.value("SELECT count(*) FROM item"))
                    .isEqualTo(scene.source.value("SELECT count(*) FROM item"));
        }
    }

    @Test
    void aRestartGoesOnWhereItWas() throws Exception {
        try (MigrationScene scene = new MigrationScene()) {
            scene.table("item", "id int PRIMARY KEY, name text");
            scene.source.execute(
                    "INSERT INTO item SELECT g, 'n' || g FROM generate_series(1, 100) g");
            scene.start();
            scene.awaitPhase("IN_SYNC");
            scene.stop();
            scene.source.execute(
                    "INSERT INTO item SELECT g, 'n' || g FROM generate_series(101, 200) g");
            scene.start();

            assertThat(scene.reconcile().verdict()).isEqualTo(Verdict.EQUAL);
            assertThat(scene.target.value("SELECT count(*) FROM item")).isEqualTo("200");
            assertThat(scene.running().status().generation()).isEqualTo(1);
        }
    }
}
