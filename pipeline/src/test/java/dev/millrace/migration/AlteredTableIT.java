package dev.millrace.migration;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.reconcile.ReconciliationReport.Verdict;
import org.junit.jupiter.api.Test;

/// DDL on a source table while its migration runs.
class AlteredTableIT {

    @Test
    void failsWhenAColumnIsRenamed() throws Exception {
        try (MigrationScene scene =
                new MigrationScene().table("item", "id int PRIMARY KEY, name text")) {
            scene.source.execute("INSERT INTO item SELECT g, 'n' FROM generate_series(1, 100) g");
            scene.start();
            scene.awaitPhase("IN_SYNC");
            scene.source.execute("ALTER TABLE item ADD COLUMN plain int");
            scene.reconcile();
            assertThat(scene.running().status().phase()).isEqualTo("IN_SYNC");

            scene.source.execute("ALTER TABLE item RENAME name TO title");

            scene.awaitPhase("FAILED");
            assertThat(scene.running().status().toString())
                    .contains(
                            "re-backfill required: public.item has changed: column name was renamed to title");
        }
    }

    @Test
    void appliesATruncateOfAPartitionedTable() throws Exception {
        try (MigrationScene scene =
                new MigrationScene()
                        .table("item", "id int PRIMARY KEY, name text) PARTITION BY RANGE (id")) {
            String[] partitions = {
                "CREATE TABLE item_1 PARTITION OF item FOR VALUES FROM (0) TO (50)",
                "CREATE TABLE item_2 PARTITION OF item DEFAULT"
            };
            scene.source.execute(partitions);
            scene.target.execute(partitions);
            scene.source.execute("INSERT INTO item SELECT g, 'n' FROM generate_series(1, 100) g");
            scene.start();
            scene.awaitPhase("IN_SYNC");

            scene.source.execute("TRUNCATE item", "INSERT INTO item VALUES (7, 'after')");

            assertThat(scene.reconcile().verdict()).isEqualTo(Verdict.EQUAL);
            assertThat(scene.target.value("SELECT string_agg(name, ',') FROM item"))
                    .isEqualTo("after");
            assertThat(scene.running().status().blockers()).isEmpty();
        }
    }
}
