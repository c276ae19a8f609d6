package dev.millrace.migration;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.reconcile.ReconciliationReport.Verdict;
import dev.millrace.spec.MigrationSpec.Backfill;
import dev.millrace.testing.Waits;
import java.sql.Connection;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/// A migration with `indexes: after-backfill`, while the source changes.
@Timeout(900)
class IndexesMigrationIT {

    private static final String CATALOG =
            """
            SELECT string_agg(line, ',' ORDER BY line) FROM (
                SELECT pg_get_indexdef(indexrelid) || indisvalid FROM pg_index
                WHERE indrelid IN ('item'::regclass, 'part'::regclass)
                UNION ALL
                SELECT conname || pg_get_constraintdef(oid) || convalidated FROM pg_constraint
                WHERE connamespace = 'public'::regnamespace) c (line)
            """;

    private static MigrationScene scene(Backfill backfill) throws Exception {
        MigrationScene scene =
                new MigrationScene()
                        .backfill(backfill)
                        .indexesAfterBackfill()
                        .table("item", "id int PRIMARY KEY, name text")
                        .table("part", "id int PRIMARY KEY, item int");
        scene.source.execute(
                "INSERT INTO item SELECT g, 'n' || g FROM generate_series(1, 2000) g",
                "INSERT INTO part SELECT g, g FROM generate_series(1, 2000) g");
        scene.target.execute(
                "CREATE INDEX by_name ON item (lower(name)) WHERE id > 0",
                "CREATE INDEX by_item ON part (item)",
                "ALTER TABLE part ADD CONSTRAINT of_item FOREIGN KEY (item) REFERENCES item DEFERRABLE");
        return scene;
    }

    private static void change(MigrationScene scene, int round) {
        scene.source.execute(
                "UPDATE item SET name = 'u" + round + "' WHERE id % 20 = " + round % 20,
                "INSERT INTO item VALUES (" + (10_000 + round) + ", 'late')",
                "INSERT INTO part VALUES (" + (10_000 + round) + ", " + (10_000 + round) + ")",
                "DELETE FROM part WHERE id = " + (100 + round));
    }

    /// An old transaction on the target keeps the first index from being complete, so the service
    /// is stopped in the middle of its creation.
    @ParameterizedTest
    @EnumSource(Backfill.class)
    void isInSyncWhenEveryIndexExistsAgain(Backfill backfill) throws Exception {
        try (MigrationScene scene = scene(backfill);
                Connection reader = scene.target.connect()) {
            String before = String.valueOf(scene.target.value(CATALOG));
            scene.start();
            Awaitility.await()
                    .atMost(Waits.LIMIT)
                    .until(() -> "2000".equals(scene.target.value("SELECT count(*) FROM part")));
            reader.setAutoCommit(false);
            reader.setTransactionIsolation(Connection.TRANSACTION_REPEATABLE_READ);
            try (var statement = reader.createStatement()) {
                statement.execute("SELECT count(*) FROM item");
            }
            for (int round = 0; round < 10; round++) {
                change(scene, round);
            }
            awaitBlocker(scene, "Millrace is creating index by_");
            scene.stop();
            assertThat(scene.target.value(CATALOG)).isNotEqualTo(before);

            scene.start();
            for (int round = 10; round < 20; round++) {
                change(scene, round);
            }
            awaitBlocker(scene, "Millrace is creating index by_");
            scene.awaitFresh();
            assertThat(scene.running().status().phase()).isEqualTo("CATCHING_UP");
            assertThat(scene.running().status().parts())
                    .anyMatch(part -> part.name().equals("indexes"));
            reader.rollback();
            scene.awaitPhase("IN_SYNC");

            assertThat(scene.running().status().blockers()).isEmpty();
            assertThat(scene.target.value(CATALOG)).isEqualTo(before);
            assertThat(scene.reconcile().verdict()).isEqualTo(Verdict.EQUAL);
        }
    }

    private static void awaitBlocker(MigrationScene scene, String text) {
        Awaitility.await()
                .atMost(Waits.LIMIT)
                .untilAsserted(
                        () ->
                                assertThat(scene.running().status().blockers())
                                        .anyMatch(blocker -> blocker.contains(text)));
    }
}
