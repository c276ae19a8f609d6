package dev.millrace.migration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.millrace.reconcile.ReconciliationReport;
import dev.millrace.reconcile.ReconciliationReport.Verdict;
import dev.millrace.repair.Repair;
import dev.millrace.repair.Repair.Action;
import dev.millrace.repair.Repair.Request;
import dev.millrace.repair.Repair.Table;
import dev.millrace.replication.RefusedException;
import dev.millrace.spec.MigrationSpec.Backfill;
import dev.millrace.stream.KnownTables.UnknownTableException;
import dev.millrace.switchover.Gate;
import dev.millrace.switchover.Operation;
import dev.millrace.switchover.Operation.Kind;
import dev.millrace.switchover.Operation.State;
import dev.millrace.switchover.SwitchoverRequest;
import dev.millrace.testing.TestDatabase;
import dev.millrace.testing.Waits;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Random;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/// Rows of the target differ and are repaired while the source is written. Every test ends with
/// equal tables, so all use one migration.
@Timeout(900)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class RepairIT {

    private static final int ROWS = 3_000;
    private static final String DOCS =
            "SELECT md5(string_agg(d::text, ',' ORDER BY id)) FROM doc d";

    private MigrationScene scene;

    @BeforeAll
    void start() throws Exception {
        scene = new MigrationScene().backfill(Backfill.WINDOWS).sensitive("item", "id");
        scene.table("doc", "id int PRIMARY KEY, version bigint, title text, body text")
                .table("item", "id int PRIMARY KEY, version bigint, title text")
                .table("price", "amount numeric PRIMARY KEY, label char(3), note text");
        scene.source.execute(
                "CREATE SEQUENCE version",
                "ALTER TABLE doc ALTER body SET STORAGE EXTERNAL",
                "INSERT INTO doc SELECT g, nextval('version'), 't' || g, repeat(md5(g::text), 80)"
                        + " FROM generate_series(1, "
                        + ROWS
                        + ") g",
                "INSERT INTO item SELECT id, version, title FROM doc",
                "INSERT INTO price VALUES (1.0, 'a', 'x'), (2.50, 'b', 'x'), (3, 'c', 'x')");
        scene.start();
    }

    @AfterAll
    void close() {
        scene.close();
    }

    @BeforeEach
    void awaitInSync() {
        scene.awaitPhase("IN_SYNC");
    }

    private static Request request(boolean dryRun) {
        return request(dryRun, Set.of(), OptionalLong.empty(), OptionalLong.empty());
    }

    private static Request request(
            boolean dryRun, Set<Action> only, OptionalLong limit, OptionalLong rowsPerSecond) {
        return request("public.doc", dryRun, only, limit, rowsPerSecond);
    }

    private static Request request(
            String table,
            boolean dryRun,
            Set<Action> only,
            OptionalLong limit,
            OptionalLong rowsPerSecond) {
        return new Request(
                List.of(table),
                only,
                limit,
                rowsPerSecond,
                dryRun,
                dryRun ? "" : "a bad script",
                Optional.of("ann"),
                Optional.empty(),
                Optional.empty());
    }

    private UUID begin(Request request) {
        return scene.running().repairs().request(request).id();
    }

    private Repair find(UUID id) {
        return scene.running().repairs().find(id).orElseThrow();
    }

    private Repair awaitEnd(UUID id) {
        Awaitility.await()
                .atMost(Waits.LIMIT)
                .untilAsserted(
                        () ->
                                assertThat(find(id).state())
                                        .as(() -> scene.running().status().toString())
                                        .isNotEqualTo(State.RUNNING));
        return find(id);
    }

    private Repair done(Request request) {
        return awaitEnd(begin(request));
    }

    private Repair.Summary summary(Repair repair, String reason) {
        Repair.Summary found =
                scene.running().repairs().recent().stream()
                        .filter(each -> each.id().equals(repair.id()))
                        .findFirst()
                        .orElseThrow();
        return new Repair.Summary(
                repair.id(),
                repair.state(),
                repair.dryRun(),
                List.of("public.doc"),
                "ann",
                reason,
                found.startedAt(),
                found.finishedAt(),
                repair.verdict(),
                repair.outcome());
    }

    private List<Repair.Key> keys(UUID id) {
        List<Repair.Key> keys = new ArrayList<>();
        List<Repair.Key> page = scene.running().repairs().keys(id, 0, 300);
        while (!page.isEmpty()) {
            keys.addAll(page);
            page = scene.running().repairs().keys(id, page.getLast().number(), 300);
        }
        return keys;
    }

    private static Stream<Integer> ids(List<Repair.Key> keys, Action action) {
        return keys.stream()
                .filter(key -> key.action() == action)
                .map(key -> Integer.valueOf(Objects.requireNonNull(key.key().get("id"))));
    }

    private void assertEqual() throws Exception {
        ReconciliationReport report = scene.reconcile();
        assertThat(report.verdict()).as(report.toString()).isEqualTo(Verdict.EQUAL);
        assertThat(scene.target.value(DOCS)).isEqualTo(scene.source.value(DOCS));
    }

    private void plant(int tens) throws SQLException {
        plant("doc", tens);
    }

    /// With 10 tens: rows 1 to 40 differ, 41 to 70 are missing, 10,001 to 10,030 are extra.
    private void plant(String table, int tens) throws SQLException {
        scene.writeTargetAsMigration(
                "UPDATE %s SET title = 'damaged' WHERE id <= %d".formatted(table, 4 * tens));
        scene.writeTargetAsMigration(
                "DELETE FROM %s WHERE id > %d AND id <= %d".formatted(table, 4 * tens, 7 * tens));
        scene.writeTargetAsMigration(
                "INSERT INTO %s (id, version, title) SELECT g, 0, 'extra' FROM generate_series(10001, %d) g"
                        .formatted(table, 10_000 + 3 * tens));
    }

    @Test
    void aDryRunListsWhatTheRepairThenDoes() throws Exception {
        plant(10);
        String damaged = scene.target.value(DOCS);

        Repair listed = done(request(true));

        assertThat(listed.state()).isEqualTo(State.DRY_RUN);
        assertThat(listed.verdict()).isEqualTo("different");
        assertThat(listed.tables()).containsExactly(new Table("public.doc", 30, 40, 30, 0, 0));
        assertThat(listed.outcome())
                .isEqualTo(
                        "Rows that would be repaired: 100 (30 to insert, 40 to update, 30 to"
                                + " delete)");
        List<Repair.Key> keys = keys(listed.id());
        assertThat(ids(keys, Action.UPDATE)).containsExactlyInAnyOrderElementsOf(range(1, 40));
        assertThat(ids(keys, Action.INSERT)).containsExactlyInAnyOrderElementsOf(range(41, 70));
        assertThat(ids(keys, Action.DELETE))
                .containsExactlyInAnyOrderElementsOf(range(10_001, 10_030));
        assertThat(keys)
                .filteredOn(key -> key.action() == Action.UPDATE)
                .allMatch(key -> key.columns().equals(List.of("title")));
        assertThat(scene.target.value(DOCS)).isEqualTo(damaged);

        Repair repaired = done(request(false));

        assertThat(scene.running().repairs().recent())
                .startsWith(summary(repaired, "a bad script"), summary(listed, ""));
        assertThat(repaired.state()).isEqualTo(State.DONE);
        assertThat(repaired.verdict()).as(repaired.outcome()).isEqualTo("equal");
        assertThat(repaired.tables()).containsExactly(new Table("public.doc", 30, 40, 30, 100, 0));
        assertThat(
                        scene.target.value(
                                "SELECT string_agg(detail ->> 'step', ' ' ORDER BY number) FROM"
                                        + " millrace.journal WHERE event = 'repair' AND who = 'ann"
                                        + "' AND detail ->> 'operation' = '"
                                        + repaired.id()
                                        + "'"))
                .isEqualTo("compare write verify done");
        assertThat(
                        scene.target.value(
                                "SELECT detail ->> 'reason' FROM millrace.journal WHERE event ="
                                        + " 'repair' AND detail ->> 'step' = 'compare' AND detail"
                                        + " ->> 'operation' = '"
                                        + repaired.id()
                                        + "'"))
                .isEqualTo("a bad script");
        assertEqual();
        assertThat(done(request(true)).outcome())
                .isEqualTo("No row was found that needs this repair");
    }

    private static List<Integer> range(int from, int to) {
        return IntStream.rangeClosed(from, to).boxed().toList();
    }

    /// Writes some keys of the source without end; each row gets a higher version than any before.
    private static final class Writers implements AutoCloseable {

        private final AtomicBoolean writing = new AtomicBoolean(true);
        private final CompletableFuture<Void> ended;

        /// @param change the statement for a key
        Writers(TestDatabase source, List<Integer> keys, Change change) {
            ended =
                    CompletableFuture.runAsync(
                            () -> write(source, keys, change), Thread.ofPlatform()::start);
        }

        interface Change {
            String of(int key, Random random);
        }

        private void write(TestDatabase source, List<Integer> keys, Change change) {
            Random random = new Random(7);
            try (Connection connection = source.connect();
                    Statement statement = connection.createStatement()) {
                while (writing.get()) {
                    int key = keys.get(random.nextInt(keys.size()));
                    statement.execute(change.of(key, random));
                }
            } catch (SQLException e) {
                throw new IllegalStateException(e);
            }
        }

        /// Leaves the large value out of the log, so that the target keeps what it has of it.
        static String small(int key, Random random) {
            return "UPDATE doc SET version = nextval('version') WHERE id = " + key;
        }

        static String any(int key, Random random) {
            return switch (random.nextInt(3)) {
                case 0 -> "DELETE FROM item WHERE id = " + key;
                case 1 ->
                        "UPDATE item SET version = nextval('version'), title = title || 'x' WHERE"
                                + " id = "
                                + key;
                default ->
                        "INSERT INTO item VALUES ("
                                + key
                                + ", nextval('version'), 'live') ON CONFLICT (id) DO UPDATE SET"
                                + " version = excluded.version, title = 'live'";
            };
        }

        @Override
        public void close() {
            writing.set(false);
            ended.join();
        }
    }

    /// Records on the target each row that got an older version than it had before.
    private final class VersionWatch implements AutoCloseable {

        private final String table;

        VersionWatch(String table) {
            this.table = table;
            scene.target.execute(
                    "CREATE TABLE seen (id int PRIMARY KEY, version bigint)",
                    "CREATE TABLE went_back (id int, was bigint, became bigint)",
                    """
                    CREATE FUNCTION watch() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN
                        INSERT INTO public.went_back SELECT NEW.id, s.version, NEW.version
                            FROM public.seen s WHERE s.id = NEW.id AND s.version > NEW.version;
                        INSERT INTO public.seen AS s VALUES (NEW.id, NEW.version)
                            ON CONFLICT (id) DO UPDATE SET version = greatest(s.version, NEW.version);
                        RETURN NULL;
                    END $$
                    """,
                    "INSERT INTO seen SELECT id, version FROM " + table,
                    "CREATE TRIGGER watch AFTER INSERT OR UPDATE ON "
                            + table
                            + " FOR EACH ROW EXECUTE FUNCTION watch()",
                    "ALTER TABLE " + table + " ENABLE ALWAYS TRIGGER watch");
        }

        /// Some of these rows; none is an empty list.
        List<List<@Nullable String>> wentBack() {
            return scene.target.query("SELECT * FROM went_back LIMIT 5");
        }

        @Override
        public void close() {
            scene.target.execute(
                    "DROP TRIGGER watch ON " + table,
                    "DROP FUNCTION watch()",
                    "DROP TABLE seen, went_back");
        }
    }

    /// The large value differs, and no change of the source carries it.
    @Test
    void aThousandDifferencesAreListedAndRepairedWhileExactlyTheseKeysAreWritten()
            throws Exception {
        scene.writeTargetAsMigration("UPDATE doc SET body = 'damaged' WHERE id <= 1000");

        try (VersionWatch watch = new VersionWatch("doc")) {
            try (Writers _ = new Writers(scene.source, range(1, 1_000), Writers::small)) {
                Repair listed = done(request(true));
                assertThat(listed.tables())
                        .as(listed.toString())
                        .containsExactly(new Table("public.doc", 0, 1_000, 0, 0, 0));
                assertThat(ids(keys(listed.id()), Action.UPDATE))
                        .containsExactlyInAnyOrderElementsOf(range(1, 1_000));

                Repair repaired = done(request(false));
                assertThat(repaired.verdict()).as(repaired.outcome()).isEqualTo("equal");
                assertThat(repaired.tables())
                        .containsExactly(new Table("public.doc", 0, 1_000, 0, 1_000, 0));
            }
            scene.awaitPhase("IN_SYNC");
            assertEqual();
            assertThat(watch.wentBack()).isEmpty();
        }
    }

    /// A row that the repair finds different is inserted, changed and deleted meanwhile.
    @Test
    void noNewerRowIsOverwrittenWhileRowsComeAndGo() throws Exception {
        plant("item", 100);
        List<Integer> planted =
                Stream.concat(range(1, 700).stream(), range(10_001, 10_300).stream()).toList();
        Repair listed =
                done(
                        request(
                                "public.item",
                                true,
                                Set.of(),
                                OptionalLong.empty(),
                                OptionalLong.empty()));
        assertThat(listed.tables()).containsExactly(new Table("public.item", 300, 400, 300, 0, 0));
        assertThat(keys(listed.id()))
                .as("a sensitive column of a key is hidden")
                .hasSize(1_000)
                .allMatch(key -> String.valueOf(key.key().get("id")).matches("hash:[0-9a-f]{16}"))
                .extracting(Repair.Key::key)
                .doesNotHaveDuplicates();

        try (VersionWatch watch = new VersionWatch("item")) {
            UUID id =
                    begin(
                            request(
                                    "public.item",
                                    false,
                                    Set.of(),
                                    OptionalLong.empty(),
                                    OptionalLong.of(400)));
            Awaitility.await()
                    .atMost(Waits.LIMIT)
                    .pollInterval(Duration.ofMillis(5))
                    .until(() -> !find(id).tables().isEmpty());
            try (Writers _ = new Writers(scene.source, planted, Writers::any);
                    Writers _ = new Writers(scene.source, planted, Writers::any)) {
                Repair repaired = awaitEnd(id);
                assertThat(repaired.tables())
                        .containsExactly(new Table("public.item", 300, 400, 300, 1_000, 0));
                assertThat(repaired.verdict()).as(repaired.outcome()).isNotEqualTo("different");
            }
            scene.awaitPhase("IN_SYNC");
            assertEqual();
            assertThat(watch.wentBack()).isEmpty();
        }
    }

    @ParameterizedTest
    @EnumSource
    void onlyOneActionIsMade(Action only) throws Exception {
        plant(10);
        String before = scene.target.value("SELECT count(*) FROM doc");

        Repair repaired =
                done(request(false, Set.of(only), OptionalLong.empty(), OptionalLong.empty()));

        Table all = new Table("public.doc", 30, 40, 30, 0, 0);
        assertThat(repaired.tables())
                .containsExactly(
                        switch (only) {
                            case INSERT -> new Table("public.doc", 30, 0, 0, 30, 0);
                            case UPDATE -> new Table("public.doc", 0, 40, 0, 40, 0);
                            case DELETE -> new Table("public.doc", 0, 0, 30, 30, 0);
                        });
        assertThat(repaired.leftOut()).isEqualTo(100 - repaired.tables().getFirst().written());
        assertThat(repaired.verdict()).isEqualTo("different");
        long change =
                switch (only) {
                    case INSERT -> all.insert();
                    case UPDATE -> 0;
                    case DELETE -> -all.delete();
                };
        assertThat(scene.target.value("SELECT count(*) FROM doc"))
                .isEqualTo(String.valueOf(Long.parseLong(String.valueOf(before)) + change));
        done(request(false));
        assertEqual();
    }

    @Test
    void notMoreRowsThanTheLimitAreRepaired() throws Exception {
        plant(10);

        Repair some = done(request(false, Set.of(), OptionalLong.of(35), OptionalLong.of(1_000)));

        assertThat(some.tables()).containsExactly(new Table("public.doc", 0, 5, 30, 35, 0));
        assertThat(some.leftOut()).isEqualTo(65);
        assertThat(some.outcome()).endsWith("the most that one repair takes: 65");
        assertThat(done(request(false)).tables())
                .containsExactly(new Table("public.doc", 30, 35, 0, 65, 0));
        assertEqual();
    }

    /// The second half of the rows waits for its second.
    @Test
    void notMoreRowsPerSecondAreReadThanAllowed() throws Exception {
        plant(10);

        Repair repaired = done(request(false, Set.of(), OptionalLong.empty(), OptionalLong.of(50)));

        assertThat(
                        scene.target.value(
                                "SELECT max(at) - min(at) >= interval '1 second' FROM"
                                        + " millrace.journal WHERE event = 'repair' AND detail ->>"
                                        + " 'step' IN ('write', 'verify') AND detail ->> 'operation' ="
                                        + " '"
                                        + repaired.id()
                                        + "'"))
                .isEqualTo("t");
        assertEqual();
    }

    @Test
    void aRowThatStillDiffersIsReported() throws Exception {
        plant(10);
        scene.target.execute(
                """
                CREATE FUNCTION damage() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                    NEW.title := 'damaged again';
                    RETURN NEW;
                END $$
                """,
                "CREATE TRIGGER damage BEFORE INSERT OR UPDATE ON doc FOR EACH ROW WHEN (NEW.id ="
                        + " 7) EXECUTE FUNCTION damage()",
                "ALTER TABLE doc ENABLE ALWAYS TRIGGER damage");
        try {
            Repair repaired = done(request(false));

            assertThat(repaired.verdict()).isEqualTo("different");
            assertThat(repaired.tables())
                    .containsExactly(new Table("public.doc", 30, 40, 30, 100, 1));
            assertThat(repaired.outcome()).contains("Still different: 1");
            assertThat(keys(repaired.id()))
                    .filteredOn(Repair.Key::differs)
                    .singleElement()
                    .satisfies(key -> assertThat(key.key()).containsEntry("id", "7"));
        } finally {
            scene.target.execute("DROP TRIGGER damage ON doc", "DROP FUNCTION damage()");
        }
        done(request(false));
        assertEqual();
    }

    /// Reads at most one row per second, so it does not end by itself while the test runs.
    private UUID beginSlowly() {
        UUID id = begin(request(false, Set.of(), OptionalLong.empty(), OptionalLong.of(1)));
        Awaitility.await()
                .atMost(Waits.LIMIT)
                .until(() -> find(id).tables().stream().anyMatch(table -> table.written() > 0));
        return id;
    }

    private Operation dryRunOfASwitchover() {
        return scene.running()
                .move(
                        new SwitchoverRequest(
                                Kind.SWITCHOVER,
                                SwitchoverRequest.Action.DRY_RUN,
                                Set.of(),
                                "",
                                Optional.empty(),
                                Optional.empty(),
                                Optional.empty()));
    }

    /// Only an operation that begins has to wait for the judgement of another one.
    @Test
    void aDryRunOfASwitchoverDoesNotWaitForARepairThatIsJudged() throws Exception {
        synchronized (scene.running().repairs()) {
            Operation judged =
                    CompletableFuture.supplyAsync(this::dryRunOfASwitchover)
                            .get(2, TimeUnit.MINUTES);

            assertThat(judged.gates()).extracting(Gate::name).contains("phase");
        }
    }

    @Test
    void aRepairIsCancelledAndMeanwhileNothingElseBegins() throws Exception {
        plant(10);
        UUID id = beginSlowly();
        assertThat(scene.running().status().blockers())
                .anyMatch(text -> text.startsWith("rows are repaired (operation " + id));
        assertThatThrownBy(() -> begin(request(true)))
                .isInstanceOf(RefusedException.class)
                .hasMessageContaining("run 'millrace repair --cancel'");
        assertThat(dryRunOfASwitchover().gates())
                .filteredOn(gate -> gate.name().equals("phase"))
                .singleElement()
                .satisfies(gate -> assertThat(gate.value()).isEqualTo("CATCHING_UP"));

        scene.running().repairs().cancel(Optional.of("bob"), "too slow");

        Repair ended = awaitEnd(id);
        assertThat(ended.verdict()).isEqualTo("undecided");
        assertThat(ended.outcome()).startsWith("Cancelled. Keys that were read again");
        assertThat(
                        scene.target.value(
                                "SELECT detail ->> 'reason' FROM millrace.journal WHERE event ="
                                        + " 'repair' AND who = 'bob'"))
                .isEqualTo("too slow");
        assertThatThrownBy(() -> scene.running().repairs().cancel(Optional.empty(), ""))
                .isInstanceOf(RefusedException.class);
        done(request(false));
        assertEqual();
    }

    @Test
    void aRestartContinuesTheRepair() throws Exception {
        plant(10);
        UUID id = beginSlowly();
        scene.stop();
        scene.target.execute(
                "UPDATE millrace.repair SET rows_per_second = NULL WHERE id = '" + id + "'");

        scene.start();

        Repair repaired = awaitEnd(id);
        assertThat(repaired.verdict()).as(repaired.outcome()).isEqualTo("equal");
        assertThat(repaired.tables()).containsExactly(new Table("public.doc", 30, 40, 30, 100, 0));
        scene.awaitPhase("IN_SYNC");
        assertEqual();
    }

    /// Its keys may have other meanings now, or are read again in any case.
    @ParameterizedTest
    @CsvSource({
        "spec_hash = 'other', because the file has changed",
        "generation = generation - 1, because a new generation has begun"
    })
    void aRepairOfAnotherFileOrGenerationEnds(String change, String why) throws Exception {
        plant(10);
        UUID id = beginSlowly();
        scene.stop();
        scene.target.execute("UPDATE millrace.repair SET " + change + " WHERE id = '" + id + "'");

        scene.start();

        Repair ended = awaitEnd(id);
        assertThat(ended.verdict()).isEqualTo("undecided");
        assertThat(ended.outcome()).startsWith("Ended, " + why);
        assertThat(done(request(false)).verdict()).isEqualTo("equal");
        assertEqual();
    }

    @Test
    void everyTableIsRepaired() throws Exception {
        plant(1);
        scene.writeTargetAsMigration("UPDATE price SET note = 'damaged' WHERE amount = 1");
        scene.writeTargetAsMigration("DELETE FROM price WHERE amount = 2.5");
        scene.writeTargetAsMigration("INSERT INTO price VALUES (4.5, 'd', 'extra')");

        Repair repaired = done(request(List.of(), false, Optional.empty(), Optional.empty()));

        assertThat(repaired.verdict()).as(repaired.outcome()).isEqualTo("equal");
        assertThat(repaired.tables())
                .containsExactly(
                        new Table("public.doc", 3, 4, 3, 10, 0),
                        new Table("public.price", 1, 1, 1, 3, 0));
        assertEqual();
    }

    private static Request request(
            List<String> tables,
            boolean dryRun,
            Optional<String> expectedPhase,
            Optional<String> requestKey) {
        return new Request(
                tables,
                Set.of(),
                OptionalLong.empty(),
                OptionalLong.empty(),
                dryRun,
                dryRun ? "" : "a bad script",
                Optional.empty(),
                expectedPhase,
                requestKey);
    }

    @Test
    void whatCannotBeRepairedIsRefused() {
        Request unknown =
                request(List.of("public.nothing"), true, Optional.empty(), Optional.empty());
        assertThatThrownBy(() -> begin(unknown)).isInstanceOf(UnknownTableException.class);
        Request later = request(List.of(), true, Optional.of("REVERSIBLE"), Optional.empty());
        assertThatThrownBy(() -> begin(later))
                .isInstanceOf(RefusedException.class)
                .hasMessageContaining("not in REVERSIBLE");
    }

    private static Repair repairAll(MigrationScene scene) {
        UUID id =
                scene.running()
                        .repairs()
                        .request(request(List.of(), false, Optional.empty(), Optional.empty()))
                        .id();
        return Awaitility.await()
                .atMost(Waits.LIMIT)
                .until(
                        () -> scene.running().repairs().find(id).orElseThrow(),
                        repair -> repair.state() == State.DONE);
    }

    /// Row 7 exists and the WHERE excludes it. Of 'abc' and 'us' no row of the source can be read.
    @Test
    void theSelectDecidesWhatARowBecomes() throws Exception {
        try (MigrationScene scene =
                new MigrationScene()
                        .backfill(Backfill.WINDOWS)
                        .select(
                                "all_item",
                                "SELECT 'eu' AS region, CAST(id AS text) AS id, name AS title FROM"
                                        + " public.item WHERE open")) {
            scene.source.execute(
                    "CREATE TABLE item (id int PRIMARY KEY, name text, open boolean)",
                    "INSERT INTO item SELECT g, 'n' || g, g <> 7 FROM generate_series(1, 9) g");
            scene.target.execute(
                    "CREATE TABLE all_item (region text, id text, title text, PRIMARY KEY (region,"
                            + " id))");
            scene.start();
            scene.awaitPhase("IN_SYNC");
            scene.writeTargetAsMigration(
                    "INSERT INTO all_item VALUES ('eu', '7', 'closed'), ('eu', '999', 'gone'),"
                            + " ('eu', 'abc', 'no number'), ('us', '998', 'other')");
            scene.writeTargetAsMigration("DELETE FROM all_item WHERE id = '2'");
            scene.writeTargetAsMigration("UPDATE all_item SET title = NULL WHERE id = '3'");

            Repair repaired = repairAll(scene);

            assertThat(repaired.tables())
                    .containsExactly(new Table("public.all_item", 1, 1, 4, 6, 2));
            assertThat(repaired.verdict()).isEqualTo("different");
            assertThat(repaired.outcome())
                    .contains("Still different: 2", "the source's types do not allow remain: 1");
            assertThat(
                            scene.target.value(
                                    "SELECT string_agg(region || id || title, ',' ORDER BY region,"
                                            + " id) FROM all_item WHERE id IN ('2', '3', '7') OR"
                                            + " length(id) = 3"))
                    .isEqualTo("eu2n2,eu3n3,euabcno number,us998other");
        }
    }

    @Test
    void rowsThatTheEngineHasReadAreRepaired() throws Exception {
        try (MigrationScene engine =
                new MigrationScene().table("item", "id int PRIMARY KEY, name text")) {
            engine.source.execute("INSERT INTO item SELECT g, 'n' FROM generate_series(1, 20) g");
            engine.start();
            engine.awaitPhase("IN_SYNC");
            engine.writeTargetAsMigration("DELETE FROM item WHERE id = 3");
            engine.writeTargetAsMigration("INSERT INTO item VALUES (99, 'extra')");

            assertThat(repairAll(engine).verdict()).isEqualTo("equal");
            assertThat(engine.reconcile().verdict()).isEqualTo(Verdict.EQUAL);
        }
    }

    @Test
    void aRepeatedRequestBeginsNothing() {
        Request request = request(List.of(), true, Optional.empty(), Optional.of("key-1"));

        UUID id = begin(request);

        assertThat(begin(request)).isEqualTo(id);
        awaitEnd(id);
        assertThat(begin(request)).isEqualTo(id);
    }
}
