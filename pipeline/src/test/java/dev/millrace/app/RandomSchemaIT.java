package dev.millrace.app;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.app.MigrationAssembly.Outcome;
import dev.millrace.capture.CaptureSettings;
import dev.millrace.grants.GrantedLogins;
import dev.millrace.migration.StartOptions;
import dev.millrace.migration.StatusReport;
import dev.millrace.reconcile.ReconciliationReport.Verdict;
import dev.millrace.spec.MigrationSpec;
import dev.millrace.spec.SpecReader;
import dev.millrace.spec.SpecResult;
import dev.millrace.testing.KafkaServer;
import dev.millrace.testing.PostgresServer;
import dev.millrace.testing.TestDatabase;
import dev.millrace.testing.TestFolders;
import dev.millrace.testing.Waits;
import dev.millrace.verdict.Reconciliations.ReconciliationState;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.UUID;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/// Migrates random tables unchanged from one server to another while they are written, and compares
/// every cell as the servers print it. `-Dseed=` replays a run.
class RandomSchemaIT {

    private static final int TABLES = 12;
    private static final int ROWS = 24;

    private final long seed = Long.getLong("seed", new Random().nextLong());
    private final Random random = new Random(seed);
    private final String migration = KafkaServer.newMigrationName();
    private final TestDatabase source = PostgresServer.shared().newDatabase();
    private final TestDatabase target = PostgresServer.shared().newDatabase();

    @AfterEach
    void dropSlot() {
        source.query(
                "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots"
                        + " WHERE NOT active AND slot_name = '"
                        + CaptureSettings.slot(migration)
                        + "'");
    }

    @Test
    void randomTablesArriveUnchanged() throws Exception {
        System.out.println("RandomSchemaIT: -Dseed=" + seed);
        List<RandomTable> tables = make();
        try (MigrationAssembly assembly = open()) {
            Awaitility.await("seed " + seed)
                    .atMost(Waits.LIMIT)
                    .until(() -> isInSync(assembly.migration().status()));
            for (int round = 0; round < 3; round++) {
                tables.forEach(table -> run(source, table.change(ROWS)));
            }
            UUID reconciliation = assembly.migration().reconcile(List.of());
            Awaitility.await("seed " + seed)
                    .atMost(Waits.LIMIT)
                    .until(
                            () ->
                                    assembly.migration()
                                                    .reconciliation(reconciliation)
                                                    .orElseThrow()
                                            instanceof ReconciliationState.Finished);

            for (RandomTable table : tables) {
                assertThat(target.query(table.select()))
                        .as("%s, seed %d", table.select(), seed)
                        .isEqualTo(source.query(table.select()));
            }
            assertThat(assembly.migration().reconciliation(reconciliation).orElseThrow())
                    .isInstanceOfSatisfying(
                            ReconciliationState.Finished.class,
                            done ->
                                    assertThat(done.report().verdict())
                                            .as("seed %d", seed)
                                            .isEqualTo(Verdict.EQUAL));
        }
    }

    /// Fails as soon as a table stops or the snapshot fails.
    private static boolean isInSync(StatusReport status) {
        assertThat(status.blockers()).noneMatch(blocker -> blocker.contains("is stopped"));
        assertThat(status.phase()).isNotEqualTo("FAILED");
        assertThat(status.generation()).as("generation, of %s", status).isLessThan(2);
        return status.phase().equals("IN_SYNC");
    }

    private MigrationAssembly open() throws Exception {
        return switch (MigrationAssembly.open(
                GrantedLogins.granted(spec(), source, target),
                "hash",
                InstantSource.system(),
                "test",
                StartOptions.STANDARD)) {
            case Outcome.Started(MigrationAssembly assembly) -> assembly;
            case Outcome.Refused(var report) ->
                    throw new AssertionError("seed " + seed + ": " + report.findings());
        };
    }

    private List<RandomTable> make() {
        source.execute(RandomTable.TYPES);
        target.execute(RandomTable.TYPES);
        List<RandomTable> tables = new ArrayList<>();
        for (int i = 0; i < TABLES; i++) {
            RandomTable table = new RandomTable(random, i);
            run(source, table.create());
            run(target, table.create());
            source.execute(table.identity());
            run(source, table.insert(ROWS));
            tables.add(table);
        }
        return tables;
    }

    private static void run(TestDatabase database, List<String> statements) {
        database.execute(statements.toArray(String[]::new));
    }

    private MigrationSpec spec() {
        String text =
                """
                migration: %s
                source: {url: '%s', username: '%s', password: '%s'}
                target: {url: '%s', username: '%s', password: '%s'}
                kafka: {bootstrap-servers: '%s', partitions: 3}
                data-dir: '%s'
                tables:
                  public.*: SELECT * FROM public.*
                """
                        .formatted(
                                migration,
                                source.url(),
                                "capture_" + migration,
                                GrantedLogins.PASSWORD,
                                target.url(),
                                "apply_" + migration,
                                GrantedLogins.PASSWORD,
                                KafkaServer.shared().bootstrapServers(),
                                TestFolders.create("random-schema"));
        return switch (SpecReader.read("millrace.yaml", text, Map.of())) {
            case SpecResult.Valid valid -> valid.spec();
            case SpecResult.Invalid invalid ->
                    throw new IllegalArgumentException(invalid.problems().toString());
        };
    }
}
