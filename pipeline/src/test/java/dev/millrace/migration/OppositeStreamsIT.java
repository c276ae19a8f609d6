package dev.millrace.migration;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.apply.origin.ReplicaRole;
import dev.millrace.apply.refusal.RejectedLimit;
import dev.millrace.backfill.Backfill.ExistingRows;
import dev.millrace.capture.CapturedTable;
import dev.millrace.capture.SourceCapture;
import dev.millrace.change.ChangeEvent;
import dev.millrace.change.TableId;
import dev.millrace.change.Topics;
import dev.millrace.change.WatermarkNumber;
import dev.millrace.control.StoredOffsets;
import dev.millrace.grants.GrantedLogins;
import dev.millrace.grants.GrantedLogins.Login;
import dev.millrace.kafka.ChangeLog;
import dev.millrace.kafka.ChangeLog.LogTopic;
import dev.millrace.kafka.TopicReader;
import dev.millrace.kafka.TopicReader.OffsetRange;
import dev.millrace.postgres.Database;
import dev.millrace.postgres.Session;
import dev.millrace.reconcile.ReconciliationReport.Verdict;
import dev.millrace.retention.LogRetention;
import dev.millrace.spec.MigrationSpec;
import dev.millrace.spec.MigrationSpec.Backfill;
import dev.millrace.spec.MigrationSpec.Endpoint;
import dev.millrace.spec.MigrationSpec.IndexSetting;
import dev.millrace.spec.MigrationSpec.Kafka;
import dev.millrace.spec.SpecResult;
import dev.millrace.spec.flow.FlowSetting;
import dev.millrace.spec.reconcile.ReconcileSetting;
import dev.millrace.spec.reconcile.Schedule;
import dev.millrace.spec.source.SchemaChange;
import dev.millrace.spec.source.TruncateSetting;
import dev.millrace.spec.switchover.Switchover;
import dev.millrace.sql.Relation;
import dev.millrace.stream.Direction;
import dev.millrace.stream.ReplicationStream;
import dev.millrace.testing.KafkaServer;
import dev.millrace.testing.PostgresServer;
import dev.millrace.testing.TestDatabase;
import dev.millrace.testing.Waits;
import dev.millrace.verdict.Reconciliations.ReconciliationState;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.common.IsolationLevel;
import org.awaitility.Awaitility;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Two streams of one migration run in opposite directions between the same two databases, in one
/// process, with disjoint tables or with one table. Both databases are on one server, where
/// replication slots share one namespace.
class OppositeStreamsIT {

    private static final int PARTITIONS = 2;
    private static final Map<String, Object> KAFKA =
            Map.of("bootstrap.servers", KafkaServer.shared().bootstrapServers());

    @TempDir Path dataDir;

    private final TestDatabase a = PostgresServer.shared().newDatabase();
    private final TestDatabase b = PostgresServer.shared().newDatabase();
    private final String name = KafkaServer.newMigrationName();

    /// One stream that a test starts and stops.
    private final class Scene implements AutoCloseable {

        private final Direction direction;
        private final TestDatabase from;
        private final TestDatabase to;
        private final String table;
        private final Database source;
        private final Database target;
        private Map<String, String> debezium = Map.of();
        private @Nullable Migration migration;

        private Scene(Direction direction, TestDatabase from, TestDatabase to, String table) {
            this.direction = direction;
            this.from = from;
            this.to = to;
            this.table = table;
            this.source = database(from);
            this.target = database(to);
        }

        private Database database(TestDatabase database) {
            return login(database).database(direction.id(name));
        }

        private ReplicationStream stream() {
            Relation relation;
            try (Session session = source.session()) {
                relation =
                        session.sourceCatalog()
                                .relation(new TableId("public", table))
                                .orElseThrow();
            }
            return new ReplicationStream(
                    direction,
                    name,
                    new ReplicationStream.Side(endpoint(from), source),
                    new ReplicationStream.Side(endpoint(to), target),
                    new ReplicationStream.Tables(
                            List.of(CopyMapping.of(relation, relation.id())),
                            List.of(new CapturedTable(relation, false))),
                    new ReplicationStream.Settings(
                            PARTITIONS,
                            KAFKA,
                            debezium,
                            ReplicaRole.ORIGIN,
                            dataDir.resolve(direction.id(name)),
                            LogRetention.Policy.of(Kafka.DEFAULT_RETENTION),
                            Backfill.ENGINE,
                            ExistingRows.READ,
                            IndexSetting.KEEP,
                            RejectedLimit.standard(),
                            ReplicationStream.Settings.DEFINITIONS,
                            SchemaChange.Setting.STANDARD));
        }

        private void start() throws SQLException {
            MigrationSpec spec =
                    new MigrationSpec(
                            name,
                            endpoint(from),
                            endpoint(to),
                            new Kafka.Embedded(PARTITIONS, Kafka.DEFAULT_RETENTION),
                            dataDir,
                            List.of(),
                            Map.of(),
                            Backfill.ENGINE,
                            IndexSetting.KEEP,
                            MigrationSpec.RejectedLimit.STANDARD,
                            TruncateSetting.STANDARD,
                            SchemaChange.Setting.STANDARD,
                            Switchover.DEFAULT,
                            List.of(),
                            new ReconcileSetting(
                                    Schedule.NEVER,
                                    Schedule.NEVER,
                                    ReconcileSetting.Load.DEFAULT,
                                    false),
                            FlowSetting.NONE,
                            MigrationSpec.SensitiveColumns.NONE);
            migration =
                    Migration.start(
                            new Migration.Streams(stream(), Optional.empty()),
                            new SpecResult.Valid(spec, "hash"),
                            "test",
                            InstantSource.system(),
                            StartOptions.STANDARD);
        }

        private Migration running() {
            if (migration == null) {
                throw new IllegalStateException("The stream is not started.");
            }
            return migration;
        }

        private void stop() {
            running().close();
            migration = null;
        }

        private void awaitInSync() {
            Awaitility.await()
                    .atMost(Waits.LIMIT)
                    .pollInterval(Duration.ofMillis(100))
                    .untilAsserted(
                            () ->
                                    assertThat(running().status().phase())
                                            .as(() -> running().status().toString())
                                            .isEqualTo("IN_SYNC"));
        }

        private Verdict reconcile() {
            UUID id = running().reconcile(List.of());
            Awaitility.await()
                    .atMost(Waits.LIMIT)
                    .until(
                            () ->
                                    !(running().reconciliation(id).orElseThrow()
                                                    instanceof ReconciliationState.Waiting)
                                            && !(running().reconciliation(id).orElseThrow()
                                                    instanceof ReconciliationState.Running));
            assertThat(running().reconciliation(id).orElseThrow())
                    .isInstanceOf(ReconciliationState.Finished.class);
            return ((ReconciliationState.Finished) running().reconciliation(id).orElseThrow())
                    .report()
                    .verdict();
        }

        /// Waits until everything that was committed on the source before is applied to the target.
        private void awaitThrough() throws SQLException {
            long number;
            try (Connection connection = from.session("watermark")) {
                number = stream().watermarks(1).emit(connection).number().number();
            }
            Awaitility.await()
                    .atMost(Waits.LIMIT)
                    .pollInterval(Duration.ofMillis(50))
                    .until(() -> applied() >= number);
        }

        /// The lowest watermark of all partitions.
        private long applied() throws SQLException {
            try (Connection connection = to.session("test")) {
                return new StoredOffsets(
                                direction.id(name), new Topics(direction.id(name)).target())
                        .read(connection)
                        .appliedWatermark()
                        .map(WatermarkNumber::number)
                        .orElse(0L);
            }
        }

        /// The changes of rows and the truncates in the log, sorted.
        private List<String> logged() {
            ChangeLog log = new ChangeLog(KAFKA, new Topics(direction.id(name)));
            Map<Integer, Long> ends = log.ends(LogTopic.CHANGES);
            Map<Integer, OffsetRange> ranges = new HashMap<>();
            log.begins(LogTopic.CHANGES)
                    .forEach(
                            (partition, from) ->
                                    ranges.put(
                                            partition,
                                            new OffsetRange(
                                                    from, ends.getOrDefault(partition, from))));
            List<String> found = new ArrayList<>();
            Set<Long> truncates = new HashSet<>();
            log.changes(
                    ranges,
                    batch ->
                            batch.forEach(
                                    each -> {
                                        switch (each.content()) {
                                            case ChangeEvent.OfRow change ->
                                                    found.add(
                                                            change.getClass().getSimpleName()
                                                                    + " "
                                                                    + change.row().text(0));
                                            case ChangeEvent.Truncate truncate -> {
                                                if (truncates.add(truncate.id())) {
                                                    found.add("Truncate");
                                                }
                                            }
                                            case ChangeEvent.Watermark _,
                                                    ChangeEvent.BackfillComplete _ -> {}
                                        }
                                    }));
            return found.stream().sorted().toList();
        }

        private void assertEqual(int rows) {
            assertThat(reconcile()).isEqualTo(Verdict.EQUAL);
            assertThat(contents(to)).hasSize(rows).isEqualTo(contents(from));
            assertThat(running().status().generation()).isEqualTo(1);
            assertThat(running().status().blockers()).isEmpty();
        }

        private List<List<@Nullable String>> contents(TestDatabase database) {
            return database.query("SELECT * FROM " + table + " ORDER BY id");
        }

        @Override
        public void close() {
            if (migration != null) {
                stop();
            }
            source.close();
            target.close();
            from.query(
                    "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots"
                            + " WHERE NOT active AND slot_name = '"
                            + slot()
                            + "'");
        }

        private String slot() {
            return "millrace_" + direction.id(name);
        }
    }

    private Login login(TestDatabase database) {
        return GrantedLogins.as((database.equals(a) ? "a_" : "b_") + name, database);
    }

    private Endpoint endpoint(TestDatabase database) {
        return login(database).endpoint();
    }

    /// @param table of the forward stream
    private void grant(String table) {
        GrantedLogins.granted(
                """
                migration: %s
                source: {url: '%s', username: %s}
                target: {url: '%s', username: %s}
                tables:
                  public.%s: SELECT * FROM public.%s
                """
                        .formatted(
                                name,
                                a.url(),
                                login(a).name(),
                                b.url(),
                                login(b).name(),
                                table,
                                table),
                a,
                b);
    }

    private void createTables() {
        for (TestDatabase database : List.of(a, b)) {
            database.execute(
                    "CREATE TABLE one (id int PRIMARY KEY, name text)",
                    "CREATE TABLE two (id int PRIMARY KEY, name text)");
        }
        a.execute("INSERT INTO one SELECT g, 'of a' FROM generate_series(1, 300) g");
        b.execute("INSERT INTO two SELECT g, 'of b' FROM generate_series(1, 400) g");
        grant("one");
    }

    @Test
    void twoOppositeStreamsReplicateBesideEachOtherAndResumeAfterARestart() throws Exception {
        createTables();
        try (Scene forward = new Scene(Direction.FORWARD, a, b, "one");
                Scene reverse = new Scene(Direction.REVERSE, b, a, "two")) {
            forward.start();
            reverse.start();
            forward.awaitInSync();
            reverse.awaitInSync();
            a.execute(
                    "UPDATE one SET name = 'live' WHERE id % 3 = 0",
                    "DELETE FROM one WHERE id = 1");
            b.execute(
                    "UPDATE two SET name = 'live' WHERE id % 4 = 0",
                    "DELETE FROM two WHERE id = 2");

            forward.assertEqual(299);
            reverse.assertEqual(399);
            assertEachStreamHasItsOwn(forward, reverse);

            forward.stop();
            reverse.stop();
            a.execute("INSERT INTO one SELECT g, 'stopped' FROM generate_series(301, 350) g");
            b.execute("INSERT INTO two SELECT g, 'stopped' FROM generate_series(401, 460) g");
            reverse.start();
            forward.start();
            a.execute("UPDATE one SET name = 'restarted' WHERE id = 350");
            b.execute("UPDATE two SET name = 'restarted' WHERE id = 460");

            forward.assertEqual(349);
            reverse.assertEqual(459);
            assertEachStreamHasItsOwn(forward, reverse);
        }
    }

    @Test
    void oneStreamContinuesWhileTheOtherIsStopped() throws Exception {
        createTables();
        try (Scene forward = new Scene(Direction.FORWARD, a, b, "one");
                Scene reverse = new Scene(Direction.REVERSE, b, a, "two")) {
            forward.start();
            reverse.start();
            forward.awaitInSync();
            reverse.awaitInSync();

            forward.stop();
            a.execute("DELETE FROM one WHERE id <= 100");
            b.execute("DELETE FROM two WHERE id <= 100");

            reverse.assertEqual(300);
            assertThat(reverse.running().ready()).isTrue();
            assertThat(b.value("SELECT count(*) FROM one")).isEqualTo("300");

            forward.start();
            forward.assertEqual(200);
        }
    }

    /// After this, each log contains what the other stream wrote, if it is captured at all.
    private static void settle(Scene forward, Scene reverse) throws SQLException {
        for (Scene each : List.of(forward, reverse, forward, reverse)) {
            each.awaitThrough();
        }
    }

    private void createOneTable() {
        for (TestDatabase database : List.of(a, b)) {
            database.execute("CREATE TABLE shared (id int PRIMARY KEY, name text)");
        }
        grant("shared");
    }

    @Test
    void aChangeOfEitherSideArrivesOnceAndDoesNotComeBack() throws Exception {
        createOneTable();
        try (Scene forward = new Scene(Direction.FORWARD, a, b, "shared");
                Scene reverse = new Scene(Direction.REVERSE, b, a, "shared")) {
            forward.start();
            reverse.start();
            forward.awaitInSync();
            reverse.awaitInSync();

            login(a).database()
                    .execute(
                            "INSERT INTO shared VALUES (1, 'a'), (2, 'a'), (3, 'a')",
                            "UPDATE shared SET name = 'a2' WHERE id = 1",
                            "UPDATE shared SET id = 20 WHERE id = 2",
                            "DELETE FROM shared WHERE id = 3");
            settle(forward, reverse);
            assertThat(reverse.contents(a))
                    .isEqualTo(reverse.contents(b))
                    .containsExactly(List.of("1", "a2"), List.of("20", "a"));
            assertThat(reverse.logged()).isEmpty();
            List<String> ofA = forward.logged();
            assertThat(ofA)
                    .containsExactly(
                            "Delete 2",
                            "Delete 3",
                            "Insert 1",
                            "Insert 2",
                            "Insert 20",
                            "Insert 3",
                            "Update 1");

            login(b).database()
                    .execute(
                            "TRUNCATE shared",
                            "INSERT INTO shared VALUES (1, 'b'), (2, 'b'), (3, 'b')",
                            "UPDATE shared SET name = 'b2' WHERE id = 1",
                            "UPDATE shared SET id = 30 WHERE id = 2",
                            "DELETE FROM shared WHERE id = 3");
            settle(forward, reverse);
            assertThat(reverse.contents(a))
                    .isEqualTo(reverse.contents(b))
                    .containsExactly(List.of("1", "b2"), List.of("30", "b"));
            assertThat(forward.logged()).isEqualTo(ofA);
            assertThat(reverse.logged())
                    .containsExactly(
                            "Delete 2",
                            "Delete 3",
                            "Insert 1",
                            "Insert 2",
                            "Insert 3",
                            "Insert 30",
                            "Truncate",
                            "Update 1");

            login(a).database().execute("TRUNCATE shared");
            settle(forward, reverse);
            assertThat(reverse.contents(b)).isEmpty();
            assertThat(reverse.logged()).filteredOn("Truncate"::equals).hasSize(1);
            assertThat(forward.logged()).hasSize(ofA.size() + 1);
        }
    }

    /// The reverse stream ends inside a transaction that the forward stream wrote, and goes on.
    @Test
    void aRestartInsideATransactionOfTheOtherStreamLetsNothingThrough() throws Exception {
        createOneTable();
        try (Scene forward = new Scene(Direction.FORWARD, a, b, "shared");
                Scene reverse = new Scene(Direction.REVERSE, b, a, "shared")) {
            reverse.debezium = Map.of("max.batch.size", "50", "max.queue.size", "100");
            forward.start();
            reverse.start();
            forward.awaitInSync();
            reverse.awaitInSync();
            reverse.stop();
            login(a).database()
                    .execute("INSERT INTO shared SELECT g, 'a' FROM generate_series(1, 24000) g");
            forward.awaitThrough();

            for (int restart = 0; restart < 3; restart++) {
                long before = batches(reverse);
                reverse.start();
                Awaitility.await()
                        .atMost(Waits.LIMIT)
                        .pollInterval(Duration.ofMillis(2))
                        .until(() -> batches(reverse) > before + 20);
                SourceCapture capture = reverse.running().rejected().live().stream().capture();
                reverse.stop();
                assertThat(Objects.requireNonNull(capture.position()).openTransaction())
                        .as("it ended inside the transaction")
                        .isNotZero();
            }
            login(b).database().execute("UPDATE shared SET name = 'b' WHERE id = 7");
            reverse.start();
            settle(forward, reverse);

            assertThat(reverse.logged()).containsExactly("Update 7");
            assertThat(forward.logged())
                    .hasSize(24_000)
                    .allMatch(each -> each.startsWith("Insert"));
            assertThat(a.query("SELECT id FROM shared WHERE name = 'b'"))
                    .containsExactly(List.of("7"));
        }
    }

    /// Grows by two with each batch of the capture.
    private static long batches(Scene scene) {
        String topic = scene.stream().topics().position();
        return new TopicReader(KAFKA, TopicReader.TIMEOUT)
                .ends(topic, IsolationLevel.READ_COMMITTED).values().stream()
                        .mapToLong(each -> each)
                        .sum();
    }

    private void assertEachStreamHasItsOwn(Scene forward, Scene reverse) throws Exception {
        assertThat(slots(a)).containsExactly(forward.slot() + " true");
        assertThat(slots(b)).containsExactly(reverse.slot() + " true");
        assertThat(values(a, "SELECT pubname FROM pg_publication")).containsExactly(forward.slot());
        assertThat(values(b, "SELECT pubname FROM pg_publication")).containsExactly(reverse.slot());
        assertThat(topics()).hasSize(6);
        for (String table : List.of("generation", "journal", "owner", "stored_offset")) {
            String streams = "SELECT DISTINCT migration FROM millrace." + table;
            assertThat(values(b, streams)).containsExactly(Direction.FORWARD.id(name));
            assertThat(values(a, streams)).containsExactly(Direction.REVERSE.id(name));
        }
        assertThat(owners(b)).containsExactly("millrace " + Direction.FORWARD.id(name) + " owner");
        assertThat(owners(a)).containsExactly("millrace " + Direction.REVERSE.id(name) + " owner");
    }

    private static List<@Nullable String> slots(TestDatabase database) {
        return values(
                database,
                "SELECT slot_name || ' ' || active FROM pg_replication_slots WHERE database ="
                        + " current_database()");
    }

    /// The sessions that have an advisory lock for their lifetime.
    private static List<@Nullable String> owners(TestDatabase database) {
        return values(
                database,
                "SELECT application_name FROM pg_stat_activity JOIN pg_locks USING (pid) WHERE"
                        + " locktype = 'advisory' AND granted AND application_name LIKE '% owner' AND"
                        + " datname = current_database()");
    }

    private static List<@Nullable String> values(TestDatabase database, String sql) {
        return database.query(sql).stream().<@Nullable String>map(List::getFirst).toList();
    }

    private List<String> topics() throws Exception {
        try (Admin admin = Admin.create(KAFKA)) {
            return admin.listTopics().names().get().stream()
                    .filter(topic -> topic.contains(name))
                    .toList();
        }
    }
}
