package dev.millrace.stream;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.apply.ReplicaRole;
import dev.millrace.capture.CapturedTable;
import dev.millrace.change.TableId;
import dev.millrace.migration.CopyMapping;
import dev.millrace.migration.Migration;
import dev.millrace.migration.MigrationControl.ReconciliationState;
import dev.millrace.postgres.Database;
import dev.millrace.postgres.Session;
import dev.millrace.reconcile.ReconciliationReport.Verdict;
import dev.millrace.retention.LogRetention;
import dev.millrace.spec.MigrationSpec;
import dev.millrace.spec.MigrationSpec.Backfill;
import dev.millrace.spec.MigrationSpec.Endpoint;
import dev.millrace.spec.MigrationSpec.IndexSetting;
import dev.millrace.spec.MigrationSpec.Kafka;
import dev.millrace.spec.Secret;
import dev.millrace.spec.SpecResult;
import dev.millrace.sql.Relation;
import dev.millrace.testing.KafkaServer;
import dev.millrace.testing.PostgresServer;
import dev.millrace.testing.TestDatabase;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.apache.kafka.clients.admin.Admin;
import org.awaitility.Awaitility;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Two streams of one migration run in opposite directions between the same two databases, in one
/// process and with disjoint tables. Both databases are on one server, where replication slots
/// share one namespace.
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
            return new Database(
                    direction.id(name), database.url(), database.username(), database.password());
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
                            Map.of(),
                            ReplicaRole.REPLICA,
                            dataDir.resolve(direction.id(name)),
                            LogRetention.Policy.of(Kafka.DEFAULT_RETENTION),
                            Backfill.ENGINE,
                            IndexSetting.KEEP));
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
                            IndexSetting.KEEP);
            migration =
                    Migration.start(
                            stream(),
                            new SpecResult.Valid(spec, "hash"),
                            "test",
                            InstantSource.system());
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
                    .atMost(Duration.ofSeconds(90))
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
                    .atMost(Duration.ofSeconds(120))
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

    private static Endpoint endpoint(TestDatabase database) {
        return new Endpoint(database.url(), database.username(), Secret.of(database.password()));
    }

    private void createTables() {
        for (TestDatabase database : List.of(a, b)) {
            database.execute(
                    "CREATE TABLE one (id int PRIMARY KEY, name text)",
                    "CREATE TABLE two (id int PRIMARY KEY, name text)");
        }
        a.execute("INSERT INTO one SELECT g, 'of a' FROM generate_series(1, 300) g");
        b.execute("INSERT INTO two SELECT g, 'of b' FROM generate_series(1, 400) g");
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
                "SELECT slot_name || ' ' || active FROM pg_replication_slots WHERE database = current_database()");
    }

    /// The sessions that have an advisory lock for their lifetime.
    private static List<@Nullable String> owners(TestDatabase database) {
        return values(
                database,
                "SELECT application_name FROM pg_stat_activity JOIN pg_locks USING (pid)"
                        + " WHERE locktype = 'advisory' AND granted AND application_name LIKE '% owner'"
                        + " AND datname = current_database()");
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
