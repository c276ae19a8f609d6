package dev.millrace.migration;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/// What is done to a source table while its migration runs is never shown as in sync.
class AlteredTableIT {

    @Test
    void aTableRewrittenByAnAlterOfItsColumnFailsTheMigration() throws Exception {
        try (MigrationScene scene =
                new MigrationScene().table("item", "id int PRIMARY KEY, name text")) {
            scene.source.execute("INSERT INTO item SELECT g, 'n' FROM generate_series(1, 100) g");
            scene.start();
            scene.awaitPhase("IN_SYNC");
            scene.source.execute("ALTER TABLE item ADD COLUMN plain int");
            scene.reconcile();
            assertThat(scene.running().status().phase()).isEqualTo("IN_SYNC");

            scene.source.execute("ALTER TABLE item ALTER name TYPE text USING upper(name)");

            scene.awaitPhase("FAILED");
            assertThat(scene.running().status().toString())
                    .contains("re-backfill required: public.item was rewritten");
        }
    }
}
