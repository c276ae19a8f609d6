package dev.millrace.migration;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.control.ControlSchema;
import dev.millrace.control.ReconciliationStore;
import dev.millrace.control.ReconciliationStore.Stored;
import dev.millrace.reads.StreamParity;
import dev.millrace.reconcile.ReconciliationReport;
import dev.millrace.reconcile.ReconciliationReport.TableReport;
import dev.millrace.reconcile.ReconciliationReport.Verdict;
import dev.millrace.reconcile.ReportJson;
import dev.millrace.reconcile.SensitiveColumns;
import dev.millrace.reconcile.pass.Reconciler;
import dev.millrace.spec.reconcile.ReconcileSetting;
import dev.millrace.stream.KnownTables;
import dev.millrace.verdict.Reconciliations;
import dev.millrace.verdict.Reconciliations.ReconciliationState;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.UUID;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;

/// Stored reports at the start of a generation.
class ReconciliationsIT {

    private static final Instant NOON = Instant.parse("2026-01-02T12:00:00Z");

    @Test
    void storedReportsNeverPreventAStartNorOutliveTheirGeneration() throws Exception {
        try (MigrationScene scene = new MigrationScene()) {
            scene.table("item", "id int PRIMARY KEY, name text");
            ControlSchema.migrate(scene.target::connect);
            ReconciliationStore store =
                    new ReconciliationStore(scene.stream().control(), scene.name);
            try (Reconciliations reconciliations = reconciliations(scene)) {
                String older =
                        report().replace(",\"complete\":true", "").replace("\"fromLog\":0,", "");
                assertThat(older).doesNotContain("complete", "fromLog");
                save(store, older, NOON);
                reconciliations.begin(1);
                assertThat(reconciliations.last().orElseThrow().verdict()).isEqualTo("equal");

                UUID unreadable =
                        save(
                                store,
                                report().replace("\"equal\"", "\"perhaps\""),
                                NOON.plusSeconds(1));
                reconciliations.begin(1);
                assertThat(reconciliations.last()).isEmpty();
                assertThat(reconciliations.find(unreadable).orElseThrow())
                        .isInstanceOf(ReconciliationState.Failed.class);

                save(store, report(), NOON.plusSeconds(2));
                reconciliations.begin(1);
                assertThat(reconciliations.last()).isPresent();
                scene.target.execute("DROP TABLE millrace.reconciliation");
                reconciliations.begin(2);
                assertThat(reconciliations.last()).isEmpty();
            }
        }
    }

    @Test
    void theStoredReportHasHashesInPlaceOfSensitiveValues() throws Exception {
        try (MigrationScene scene = new MigrationScene()) {
            scene.table("item", "id int PRIMARY KEY, name text").sensitive("item", "name");
            scene.source.execute("INSERT INTO item VALUES (1, 'secret one')");
            Migration migration = scene.start();
            scene.awaitPhase("IN_SYNC");
            scene.writeTargetAsMigration("UPDATE item SET name = 'secret two' WHERE id = 1");

            scene.reconcile();

            assertThat(migration.reconciliations())
                    .as("also before it is stored")
                    .singleElement()
                    .satisfies(past -> assertThat(past.verdict()).isEqualTo("different"));
            String stored = "SELECT report::text FROM millrace.reconciliation";
            Awaitility.await()
                    .atMost(Duration.ofSeconds(30))
                    .until(() -> !scene.target.query(stored).isEmpty());
            assertThat(scene.target.value(stored))
                    .contains("\"different\"", "hash:")
                    .doesNotContain("secret");
            assertThat(migration.reconciliations()).hasSize(1);
        }
    }

    private static Reconciliations reconciliations(MigrationScene scene) {
        return new Reconciliations(
                scene.stream(),
                mapping -> mapping.target().table(),
                new Reconciler.Subject("shop", "hash", SensitiveColumns.NONE),
                ReconcileSetting.Load.DEFAULT,
                InstantSource.system(),
                KnownTables.of(List.of(), scene.stream().tables().targetIds()),
                new StreamParity(scene.stream(), List.of(), false));
    }

    private static UUID save(ReconciliationStore store, String json, Instant finished)
            throws SQLException {
        UUID id = UUID.randomUUID();
        store.save(new Stored(id, 1, "equal", NOON, finished, json));
        return id;
    }

    private static String report() {
        return ReportJson.write(
                new ReconciliationReport(
                        "shop",
                        Verdict.EQUAL,
                        NOON,
                        NOON,
                        "0/1",
                        "hash",
                        List.of(
                                new TableReport(
                                        "public.item",
                                        Verdict.EQUAL,
                                        1L,
                                        1L,
                                        "a",
                                        "a",
                                        0,
                                        0,
                                        0,
                                        0,
                                        0,
                                        0,
                                        0.5,
                                        List.of(),
                                        null,
                                        true)),
                        null,
                        null));
    }
}
