package dev.millrace.migration;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.change.Lsn;
import dev.millrace.change.WatermarkNumber;
import dev.millrace.control.ControlSchema;
import dev.millrace.control.ReconciliationStore;
import dev.millrace.control.ReconciliationStore.Stored;
import dev.millrace.control.pass.PassStore;
import dev.millrace.reads.StreamParity;
import dev.millrace.reconcile.Cancellation;
import dev.millrace.reconcile.ReconciliationReport;
import dev.millrace.reconcile.ReconciliationReport.TableReport;
import dev.millrace.reconcile.ReconciliationReport.Verdict;
import dev.millrace.reconcile.ReplicationProgress;
import dev.millrace.reconcile.ReportJson;
import dev.millrace.reconcile.SensitiveColumns;
import dev.millrace.reconcile.StartPosition.Servers;
import dev.millrace.reconcile.pass.Reconciler;
import dev.millrace.retention.LogHolds;
import dev.millrace.spec.reconcile.ReconcileSetting;
import dev.millrace.stream.KnownTables;
import dev.millrace.testing.Waits;
import dev.millrace.verdict.Reconciliations;
import dev.millrace.verdict.Reconciliations.Method;
import dev.millrace.verdict.Reconciliations.ReconciliationState;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.LongPredicate;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;

/// Stored reports at the start of a generation, and passes that the end of a service interrupted.
class ReconciliationsIT {

    private static final Instant NOON = Instant.parse("2026-01-02T12:00:00Z");

    @Test
    void storedReportsNeverPreventAStartNorOutliveTheirGeneration() throws Exception {
        try (MigrationScene scene = new MigrationScene()) {
            scene.table("item", "id int PRIMARY KEY, name text");
            ControlSchema.migrate(() -> scene.stream().control().connect("control"));
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
                    .atMost(Waits.LIMIT)
                    .until(() -> !scene.target.query(stored).isEmpty());
            assertThat(scene.target.value(stored))
                    .contains("\"different\"", "hash:")
                    .doesNotContain("secret");
            assertThat(migration.reconciliations()).hasSize(1);
        }
    }

    @Test
    void requestContinuesAnInterruptedPassAndItsEndForgetsIt() throws Exception {
        try (MigrationScene scene = prepared();
                Reconciliations reconciliations = reconciliations(scene)) {
            Instant began = Instant.now().minusSeconds(3_600).truncatedTo(ChronoUnit.SECONDS);
            PassStore.Pass interrupted = interrupted(scene, reconciliations, began);

            UUID id =
                    reconciliations.request(1, List.of(), Method.ALL_ROWS, new StubProgress(true));

            assertThat(id).isEqualTo(interrupted.id());
            ReconciliationReport report = awaitReport(reconciliations, id);
            assertThat(report.verdict()).as(report.toString()).isEqualTo(Verdict.EQUAL);
            assertThat(report.startedAt()).isEqualTo(began);
            Awaitility.await().until(() -> passes(scene).find().isEmpty());
            assertThat(
                            reconciliations.request(
                                    1, List.of(), Method.ALL_ROWS, new StubProgress(true)))
                    .isNotEqualTo(id);
        }
    }

    @Test
    void passOfAnotherGenerationOrWithAReportIsNotContinued() throws Exception {
        try (MigrationScene scene = prepared();
                Reconciliations reconciliations = reconciliations(scene)) {
            UUID interrupted = interrupted(scene, reconciliations, Instant.now()).id();
            new ReconciliationStore(scene.stream().control(), scene.name)
                    .save(new Stored(interrupted, 1, "equal", NOON, NOON, report()));

            UUID id =
                    reconciliations.request(1, List.of(), Method.ALL_ROWS, new StubProgress(true));

            assertThat(id).as("its report was stored").isNotEqualTo(interrupted);
            awaitReport(reconciliations, id);
            Awaitility.await().until(() -> passes(scene).find().isEmpty());
            UUID other = interrupted(scene, reconciliations, Instant.now()).id();
            UUID next =
                    reconciliations.request(2, List.of(), Method.ALL_ROWS, new StubProgress(true));
            assertThat(next).as("another generation").isNotEqualTo(other);
            awaitReport(reconciliations, next);
        }
    }

    /// The progress remains when the service ends, and is removed when the operator cancels.
    @Test
    void endOfTheServiceKeepsTheProgressAndACancellationRemovesIt() throws Exception {
        try (MigrationScene scene = prepared()) {
            Reconciliations ending = reconciliations(scene);
            StubProgress interrupted = new StubProgress(false);
            UUID id = ending.request(1, List.of(), Method.ALL_ROWS, interrupted);
            interrupted.awaitWaiting();
            ending.close();
            // Waits for its end.
            ending.cancel(id);
            assertThat(passes(scene).find().orElseThrow().id()).isEqualTo(id);

            try (Reconciliations reconciliations = reconciliations(scene)) {
                StubProgress waiting = new StubProgress(false);
                assertThat(reconciliations.request(1, List.of(), Method.ALL_ROWS, waiting))
                        .isEqualTo(id);
                waiting.awaitWaiting();
                reconciliations.cancel(id);

                assertThat(awaitReport(reconciliations, id).reason()).isEqualTo("cancelled");
                assertThat(passes(scene).find()).isEmpty();
            }
        }
    }

    private static MigrationScene prepared() throws Exception {
        MigrationScene scene = new MigrationScene();
        scene.table("item", "id int PRIMARY KEY, name text");
        ControlSchema.migrate(() -> scene.stream().control().connect("control"));
        return scene;
    }

    private static PassStore passes(MigrationScene scene) {
        return new PassStore(scene.stream().control(), scene.name);
    }

    /// What a process left that ended while it compared.
    private static PassStore.Pass interrupted(
            MigrationScene scene, Reconciliations reconciliations, Instant began)
            throws SQLException {
        Servers servers =
                Servers.read(reconciliations.chunker(), scene.stream().tables().compared())
                        .orElseThrow();
        PassStore.Pass pass =
                new PassStore.Pass(
                        UUID.randomUUID(),
                        1,
                        "hash",
                        List.of("public.item"),
                        began,
                        ReportJson.write(servers),
                        Optional.empty());
        passes(scene).begin(pass);
        return pass;
    }

    private static ReconciliationReport awaitReport(Reconciliations reconciliations, UUID id) {
        ReconciliationState state =
                Awaitility.await()
                        .atMost(Waits.LIMIT)
                        .until(
                                () -> reconciliations.find(id).orElseThrow(),
                                ReconciliationState.Finished.class::isInstance);
        return ((ReconciliationState.Finished) state).report();
    }

    /// A stream without changes.
    private static final class StubProgress implements ReplicationProgress {

        private final boolean applies;
        private final CountDownLatch waiting = new CountDownLatch(1);

        /// @param applies whether a watermark is applied at once, or never
        StubProgress(boolean applies) {
            this.applies = applies;
        }

        void awaitWaiting() throws InterruptedException {
            assertThat(waiting.await(60, TimeUnit.SECONDS)).isTrue();
        }

        @Override
        public Map<Integer, Long> changesEnds() {
            return Map.of();
        }

        @Override
        public Map<Integer, Long> changesBegins() {
            return Map.of();
        }

        @Override
        public LogHolds.Hold holdLog() {
            return new LogHolds().hold();
        }

        @Override
        public Marked emitWatermark() {
            return new Marked(new WatermarkNumber(1, 1), Lsn.parse("0/1"));
        }

        @Override
        public Wait awaitApplied(WatermarkNumber watermark, Cancellation cancellation) {
            if (applies) {
                return new Wait.Applied();
            }
            waiting.countDown();
            boolean _ = cancellation.pause(Duration.ofMinutes(1));
            return new Wait.GivenUp("nothing is applied");
        }

        @Override
        public LongPredicate delivered() {
            return _ -> false;
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
                                        true,
                                        List.of(),
                                        TableReport.ALL_ROWS,
                                        List.of())),
                        null,
                        null));
    }
}
