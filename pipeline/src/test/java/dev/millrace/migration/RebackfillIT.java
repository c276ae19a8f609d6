package dev.millrace.migration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.millrace.capture.CaptureSettings;
import dev.millrace.flow.FlowChange;
import dev.millrace.rebackfill.Rebackfill;
import dev.millrace.rebackfill.Rebackfill.Request;
import dev.millrace.reconcile.ReconciliationReport;
import dev.millrace.reconcile.ReconciliationReport.Verdict;
import dev.millrace.replication.RefusedException;
import dev.millrace.spec.MigrationSpec.Backfill;
import dev.millrace.stream.KnownTables.UnknownTableException;
import dev.millrace.switchover.Operation;
import dev.millrace.switchover.Operation.State;
import dev.millrace.switchover.SwitchoverRequest;
import dev.millrace.testing.TestDatabase;
import dev.millrace.testing.Waits;
import java.io.IOException;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.Objects;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/// Rows are read again while writers go on: those of one table, whose target was damaged, and all
/// of them after the stream was lost. Nothing is emptied. Every test ends in sync, so most use one
/// migration, each in a later generation.
@Timeout(900)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class RebackfillIT {

    /// Keys that the writers insert, change and delete.
    private static final int KEYS = 400;

    private static final String ROWS =
            "SELECT md5(string_agg(d::text, ',' ORDER BY id)) FROM doc d";

    private static final String FILE = "SELECT pg_relation_filenode('doc')";
    private static final String OPERATIONS = "SELECT count(*) FROM millrace.rebackfill";

    private MigrationScene scene;

    @BeforeAll
    void start() throws Exception {
        scene = tables().table("login", "id int PRIMARY KEY, name text UNIQUE");
        scene.source.execute("INSERT INTO login SELECT g, 'u' || g FROM generate_series(1, 99) g");
        scene.start();
    }

    @AfterAll
    void close() {
        scene.close();
    }

    private static MigrationScene tables() throws IOException {
        MigrationScene scene =
                new MigrationScene()
                        .backfill(Backfill.WINDOWS)
                        .table("doc", "id int PRIMARY KEY, title text, body text")
                        .table("note", "id int PRIMARY KEY, text text");
        scene.source.execute(
                "ALTER TABLE doc ALTER body SET STORAGE EXTERNAL",
                "INSERT INTO doc SELECT g, 't' || g, repeat(md5(g::text), 80) FROM"
                        + " generate_series(1, 3000) g",
                "INSERT INTO note SELECT g, 'n' || g FROM generate_series(1, 500) g");
        return scene;
    }

    private static Request request(Optional<String> table, Optional<String> key) {
        return new Request(
                table, "rows were lost", Optional.of("ann"), Optional.empty(), key, false);
    }

    private static Request dry(Optional<String> table) {
        return new Request(table, "", Optional.empty(), Optional.empty(), Optional.empty(), true);
    }

    private static void awaitDone(MigrationScene scene, UUID id) {
        Awaitility.await()
                .atMost(Waits.LIMIT)
                .untilAsserted(
                        () ->
                                assertThat(scene.running().rebackfill(id).orElseThrow().state())
                                        .as(() -> scene.running().status().toString())
                                        .isEqualTo(State.DONE));
    }

    private static UUID begin(MigrationScene scene, Optional<String> table) {
        return Objects.requireNonNull(
                scene.running().rebackfill(request(table, Optional.empty())).id());
    }

    private static void assertEqual(MigrationScene scene) throws Exception {
        ReconciliationReport report = scene.reconcile();
        assertThat(report.verdict()).as(report.toString()).isEqualTo(Verdict.EQUAL);
        assertThat(scene.target.value(ROWS)).isEqualTo(scene.source.value(ROWS));
    }

    /// Changes rows without end, also large ones, and keys that exist on the target only.
    private static final class Writers implements AutoCloseable {

        private final AtomicBoolean writing = new AtomicBoolean(true);
        private final CompletableFuture<Void> ended;

        Writers(TestDatabase source) {
            ended = CompletableFuture.runAsync(() -> write(source));
        }

        private void write(TestDatabase source) {
            Random random = new Random(7);
            try (Connection connection = source.connect();
                    Statement statement = connection.createStatement()) {
                while (writing.get()) {
                    statement.execute(change(random));
                }
            } catch (SQLException e) {
                throw new IllegalStateException(e);
            }
        }

        private static String change(Random random) {
            int key = 10_000 + random.nextInt(KEYS);
            return switch (random.nextInt(5)) {
                case 0 -> "DELETE FROM doc WHERE id = " + key;
                case 1 -> "UPDATE doc SET title = title || 'x' WHERE id = " + random.nextInt(3000);
                case 2 ->
                        "UPDATE doc SET id = id + "
                                + KEYS
                                + " WHERE id = "
                                + key
                                + " AND NOT EXISTS (SELECT FROM doc WHERE id = "
                                + (key + KEYS)
                                + ")";
                default ->
                        "INSERT INTO doc VALUES ("
                                + key
                                + ", 'live', repeat('b', 3000)) ON CONFLICT DO NOTHING";
            };
        }

        @Override
        public void close() {
            writing.set(false);
            ended.join();
        }
    }

    @Test
    void oneTableIsReadAgainWhileItIsWritten() throws Exception {
        scene.awaitPhase("IN_SYNC");
        int generation = scene.running().status().generation();
        long notes = rowsRead(scene, "public.note");
        scene.writeTargetAsMigration("DELETE FROM doc WHERE id % 7 = 0");
        scene.writeTargetAsMigration("UPDATE doc SET title = 'damaged' WHERE id % 11 = 0");
        scene.writeTargetAsMigration(
                "INSERT INTO doc SELECT g, 'extra', 'e' FROM generate_series(9000, 10300) g ON CONFLICT DO NOTHING");

        UUID id;
        try (Writers _ = new Writers(scene.source)) {
            id = begin(scene, Optional.of("public.doc"));
            assertThat(scene.running().status().blockers())
                    .anyMatch(text -> text.startsWith("table public.doc is read again"));
            awaitDone(scene, id);
        }
        scene.awaitPhase("IN_SYNC");

        assertEqual(scene);
        Rebackfill done = scene.running().rebackfill(id).orElseThrow();
        assertThat(done.outcome()).startsWith("public.doc was read again; ");
        assertThat(scene.running().status().generation()).isEqualTo(generation);
        assertThat(scene.running().status().rebackfill()).isNull();
        assertThat(rowsRead(scene, "public.note")).isEqualTo(notes);
        assertThat(
                        scene.target.value(
                                "SELECT count(*) FROM millrace.journal WHERE event ="
                                        + " 'rebackfill' AND who = 'ann' AND detail"
                                        + " ->> 'operation' = '"
                                        + id
                                        + "'"))
                .isEqualTo("6");
    }

    private static long rowsRead(MigrationScene scene, String table) {
        return scene.running().status().tables().stream()
                .filter(each -> each.target().equals(table))
                .findFirst()
                .orElseThrow()
                .backfill()
                .rowsDone();
    }

    @Test
    void aRestartContinuesTheOperation() throws Exception {
        scene.awaitPhase("IN_SYNC");
        scene.writeTargetAsMigration("DELETE FROM doc WHERE id % 7 = 0");
        scene.writeTargetAsMigration(
                "INSERT INTO doc SELECT g, 'extra', 'e' FROM generate_series(9000, 9300) g ON CONFLICT DO NOTHING");
        change(scene, new FlowChange.Action.Pause(FlowChange.Part.BACKFILL));
        UUID id = begin(scene, Optional.of("public.doc"));
        scene.stop();

        scene.start();
        assertThat(Objects.requireNonNull(scene.running().status().rebackfill()).operation())
                .isEqualTo(id.toString());
        change(scene, new FlowChange.Action.Resume(FlowChange.Part.BACKFILL));
        awaitDone(scene, id);

        scene.awaitPhase("IN_SYNC");
        assertEqual(scene);
    }

    private static final String MISSED =
            "INSERT INTO doc VALUES (8000, 'missed', 'b') ON CONFLICT (id) DO UPDATE SET title ="
                    + " doc.title || '!'";

    /// How the stream is lost.
    enum Loss {
        SLOT_DROPPED("Replication slot millrace_") {
            @Override
            void happen(MigrationScene scene) throws SQLException {
                dropSlot(scene);
            }
        },
        SLOT_RECREATED("was advanced to") {
            @Override
            void happen(MigrationScene scene) throws SQLException {
                scene.stop();
                scene.source.execute(MISSED);
                dropSlot(scene);
                scene.source.query(
                        "SELECT pg_create_logical_replication_slot('"
                                + slot(scene)
                                + "', 'pgoutput')");
                scene.start();
            }
        },
        SLOT_ADVANCED("was advanced to") {
            @Override
            void happen(MigrationScene scene) throws SQLException {
                scene.stop();
                scene.source.execute(MISSED);
                scene.source.query(
                        "SELECT pg_replication_slot_advance('"
                                + slot(scene)
                                + "', pg_current_wal_lsn())");
                scene.start();
            }
        },
        PUBLICATION_ALTERED("Publication millrace_") {
            @Override
            void happen(MigrationScene scene) {
                scene.source.execute(
                        "ALTER PUBLICATION " + scene.publication() + " SET (publish = 'insert')");
            }
        },
        PUBLICATION_DROPPED("Publication millrace_") {
            @Override
            void happen(MigrationScene scene) {
                scene.source.execute("DROP PUBLICATION " + scene.publication());
            }
        };

        private final String cause;

        Loss(String cause) {
            this.cause = cause;
        }

        abstract void happen(MigrationScene scene) throws SQLException;

        private static String slot(MigrationScene scene) {
            return CaptureSettings.slot(scene.name);
        }

        /// The capture may take the slot again at once.
        private static void dropSlot(MigrationScene scene) {
            String of = " FROM pg_replication_slots WHERE slot_name = '" + slot(scene) + "'";
            Awaitility.await()
                    .atMost(Waits.LIMIT)
                    .pollInterval(Duration.ofMillis(5))
                    .ignoreExceptions()
                    .until(
                            () -> {
                                scene.source.query("SELECT pg_terminate_backend(active_pid)" + of);
                                scene.source.query(
                                        "SELECT pg_drop_replication_slot(slot_name)" + of);
                                return "0".equals(scene.source.value("SELECT count(*)" + of));
                            });
        }
    }

    private static void assertLost(MigrationScene scene, Loss loss) {
        scene.awaitPhase("FAILED");
        StatusReport status = scene.running().status();
        assertThat(status.blockers())
                .anyMatch(
                        text -> text.contains("re-backfill required") && text.contains(loss.cause))
                .anyMatch(text -> text.contains("millrace rebackfill"));
        assertThat(status.nextActions()).startsWith("rebackfill").contains("abort");
        assertThat(Objects.requireNonNull(status.rebackfill()).required()).contains(loss.cause);
        assertThat(scene.running().ready()).isFalse();
    }

    /// Rows that are deleted while no slot exists leave no trace in any log.
    @ParameterizedTest
    @EnumSource
    void everyTableIsReadAgainAfterTheStreamWasLost(Loss loss) throws Exception {
        scene.awaitPhase("IN_SYNC");
        int generation = scene.running().status().generation();
        scene.source.execute(
                "INSERT INTO note SELECT g, 'n' FROM generate_series(1, 50) g ON CONFLICT DO"
                        + " NOTHING");

        loss.happen(scene);

        assertLost(scene, loss);
        String before = scene.target.value(ROWS);
        String file = scene.target.value(FILE);
        scene.source.execute(
                "DELETE FROM doc WHERE id % 5 = 0",
                "UPDATE doc SET title = 'in the gap' WHERE id % 9 = 0",
                "UPDATE doc d SET id = id + 5000 WHERE id % 13 = 0 AND id < 5000 AND NOT EXISTS"
                        + " (SELECT FROM doc o WHERE o.id = d.id + 5000)",
                "INSERT INTO doc SELECT g, 'gap', 'g' FROM generate_series(10000, 10100) g ON"
                        + " CONFLICT DO NOTHING",
                "TRUNCATE note");
        scene.stop();
        scene.start();
        assertLost(scene, loss);
        if (loss == Loss.PUBLICATION_ALTERED) {
            scene.publishAgain();
        }
        assertThat(scene.target.value(ROWS)).isEqualTo(before);
        assertThatThrownBy(() -> begin(scene, Optional.of("public.doc")))
                .isInstanceOf(RefusedException.class)
                .hasMessageContaining("without --table");

        UUID id;
        try (Writers _ = new Writers(scene.source)) {
            id = begin(scene, Optional.empty());
            awaitDone(scene, id);
        }
        scene.awaitPhase("IN_SYNC");

        assertEqual(scene);
        assertThat(scene.running().status().generation()).isEqualTo(generation + 1);
        assertThat(scene.running().status().rebackfill()).isNull();
        assertThat(scene.target.value("SELECT count(*) FROM note")).isEqualTo("0");
        assertThat(scene.target.value(FILE)).as("doc was not truncated").isEqualTo(file);
    }

    /// A row that was deleted in the gap has the unique value of one that was inserted.
    @Test
    void aUniqueValueThatWasHandedOnInTheGapIsFree() throws Exception {
        scene.awaitPhase("IN_SYNC");
        Loss.SLOT_DROPPED.happen(scene);
        scene.awaitPhase("FAILED");
        scene.source.execute(
                "DELETE FROM login WHERE id < 50",
                "INSERT INTO login SELECT 1000 - g, 'u' || g FROM generate_series(1, 49) g");

        awaitDone(scene, begin(scene, Optional.empty()));
        scene.awaitPhase("IN_SYNC");

        assertEqual(scene);
        assertThat(
                        scene.target.value(
                                "SELECT count(*) FROM millrace.parked_key WHERE target_name ="
                                        + " 'login'"))
                .isEqualTo("0");
    }

    private static void change(MigrationScene scene, FlowChange.Action action) {
        scene.running()
                .change(new FlowChange(action, "", Optional.empty(), Optional.empty(), false));
    }

    @Test
    void aStreamThatIsLostAgainMeanwhileIsReplacedAgain() throws Exception {
        scene.awaitPhase("IN_SYNC");
        int generation = scene.running().status().generation();
        Loss.SLOT_DROPPED.happen(scene);
        scene.awaitPhase("FAILED");
        change(scene, new FlowChange.Action.Pause(FlowChange.Part.BACKFILL));
        UUID first = begin(scene, Optional.empty());
        Awaitility.await()
                .atMost(Waits.LIMIT)
                .until(
                        () ->
                                "sweep"
                                        .equals(
                                                Objects.requireNonNull(
                                                                scene.running()
                                                                        .status()
                                                                        .rebackfill())
                                                        .step()));
        assertThatThrownBy(() -> begin(scene, Optional.empty()))
                .isInstanceOf(RefusedException.class)
                .hasMessageContaining("has not ended");
        Loss.SLOT_DROPPED.happen(scene);
        scene.awaitPhase("FAILED");
        scene.source.execute("DELETE FROM doc WHERE id % 5 = 0");

        UUID second = begin(scene, Optional.empty());
        change(scene, new FlowChange.Action.Resume(FlowChange.Part.BACKFILL));
        awaitDone(scene, second);
        scene.awaitPhase("IN_SYNC");

        assertEqual(scene);
        assertThat(scene.running().status().generation()).isEqualTo(generation + 2);
        assertThat(scene.running().rebackfill(first).orElseThrow().outcome())
                .isEqualTo("The whole migration is read again instead");
    }

    @Test
    void whatIsNotPossibleIsRefusedAndChangesNothing() throws Exception {
        scene.awaitPhase("IN_SYNC");
        String before = scene.target.value(OPERATIONS);
        Migration migration = scene.running();

        assertThat(migration.rebackfill(dry(Optional.of("public.doc"))).state())
                .isEqualTo(State.DRY_RUN);
        assertThatThrownBy(() -> migration.rebackfill(dry(Optional.of("public.dox"))))
                .isInstanceOf(UnknownTableException.class)
                .hasMessageContaining("public.doc");
        assertThat(scene.target.value(OPERATIONS)).isEqualTo(before);

        Request keyed = request(Optional.of("public.doc"), Optional.of("key-1"));
        Rebackfill first = migration.rebackfill(keyed);
        awaitDone(scene, Objects.requireNonNull(first.id()));
        String begun = scene.target.value(OPERATIONS);
        assertThat(migration.rebackfill(keyed).id()).isEqualTo(first.id());
        assertThat(scene.target.value(OPERATIONS)).isEqualTo(begun).isNotEqualTo(before);
    }

    /// A row of another share of the target, and one whose key no row of the source can have, stay.
    @Test
    void theSweepFollowsCastsAndConstantsOfTheKey() throws Exception {
        try (MigrationScene scene =
                new MigrationScene()
                        .backfill(Backfill.WINDOWS)
                        .select(
                                "all_item",
                                "SELECT 'eu' AS region, CAST(id AS text) AS id, name FROM"
                                        + " public.item")) {
            scene.source.execute(
                    "CREATE TABLE item (id int PRIMARY KEY, name text)",
                    "INSERT INTO item SELECT g, 'n' FROM generate_series(1, 50) g");
            scene.target.execute(
                    "CREATE TABLE all_item (region text, id text, name text, PRIMARY KEY (region,"
                            + " id))");
            scene.start();
            scene.awaitPhase("IN_SYNC");
            scene.writeTargetAsMigration(
                    "INSERT INTO all_item VALUES ('eu', '999', 'gone'), ('us', '998', 'other'),"
                            + " ('eu', 'abc', 'no number')");

            UUID id = begin(scene, Optional.of("public.all_item"));
            awaitDone(scene, id);

            assertThat(scene.running().rebackfill(id).orElseThrow().outcome())
                    .isEqualTo(
                            "public.all_item was read again; 52 rows of the target were looked up"
                                    + " and 1 deleted. Rows whose key the source's types do not"
                                    + " allow remain: 1. Find them with the column types of the"
                                    + " source, and delete them if nothing else has written them");
            assertThat(
                            scene.target.value(
                                    "SELECT string_agg(region || id, ',' ORDER BY region, id) FROM"
                                            + " all_item WHERE id = 'abc' OR id > '990'"))
                    .isEqualTo("euabc,us998");
        }
    }

    @Test
    void aStoppedTableIsReadAgainOnlyWithAllOthers() throws Exception {
        scene.awaitPhase("IN_SYNC");
        scene.target.execute("ALTER TABLE note RENAME text TO other");
        scene.source.execute("INSERT INTO note VALUES (501, 'stops the table')");
        Awaitility.await()
                .atMost(Waits.LIMIT)
                .until(
                        () ->
                                scene.running().status().tables().stream()
                                        .anyMatch(table -> table.stopped() != null));
        assertThatThrownBy(() -> begin(scene, Optional.of("public.note")))
                .isInstanceOf(RefusedException.class)
                .hasMessageContaining("is stopped");

        scene.target.execute(
                "DROP TABLE note", "CREATE TABLE note (id int PRIMARY KEY, text text)");
        scene.grant();
        awaitDone(scene, begin(scene, Optional.empty()));
        scene.awaitPhase("IN_SYNC");

        assertEqual(scene);
        assertThat(
                        scene.target.value(
                                "SELECT count(*) FROM millrace.target_table WHERE table_oid IS"
                                        + " DISTINCT FROM to_regclass(target)::oid"))
                .as("tables that the generation does not know")
                .isEqualTo("0");
    }

    /// The phase of the migration follows a moment later.
    @Test
    void aSwitchoverDoesNotBeginWhileRowsAreReadAgain() throws Exception {
        scene.awaitPhase("IN_SYNC");
        change(scene, new FlowChange.Action.Pause(FlowChange.Part.BACKFILL));
        UUID id = begin(scene, Optional.of("public.doc"));

        Operation judged =
                scene.running()
                        .move(
                                new SwitchoverRequest(
                                        Operation.Kind.SWITCHOVER,
                                        SwitchoverRequest.Action.DRY_RUN,
                                        Set.of(),
                                        "",
                                        Optional.empty(),
                                        Optional.empty(),
                                        Optional.empty()));

        assertThat(judged.gates())
                .filteredOn(gate -> gate.name().equals("phase"))
                .singleElement()
                .satisfies(gate -> assertThat(gate.value()).isEqualTo("CATCHING_UP"));
        change(scene, new FlowChange.Action.Resume(FlowChange.Part.BACKFILL));
        awaitDone(scene, id);
    }

    /// Its values may have changed without an event.
    @Test
    void aTableThatWasRewrittenIsReadAgain() throws Exception {
        scene.awaitPhase("IN_SYNC");
        scene.source.execute("ALTER TABLE doc ALTER title TYPE text USING upper(title)");
        Awaitility.await()
                .atMost(Waits.LIMIT)
                .untilAsserted(
                        () ->
                                assertThat(scene.running().status().blockers())
                                        .anyMatch(
                                                text ->
                                                        text.contains("ALTER COLUMN TYPE")
                                                                && text.contains(
                                                                        "its rows are then read again")));

        awaitDone(scene, begin(scene, Optional.empty()));
        scene.awaitPhase("IN_SYNC");

        assertEqual(scene);
        assertThat(scene.target.value("SELECT count(*) FROM doc WHERE title <> upper(title)"))
                .isEqualTo("0");
    }

    @Test
    void theEngineReadsNothingAgain() throws Exception {
        try (MigrationScene scene = tables().backfill(Backfill.ENGINE)) {
            scene.start();
            scene.awaitPhase("IN_SYNC");

            assertThatThrownBy(() -> begin(scene, Optional.empty()))
                    .isInstanceOf(RefusedException.class)
                    .hasMessageContaining("backfill: windows");
        }
    }
}
