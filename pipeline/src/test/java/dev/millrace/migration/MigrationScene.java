package dev.millrace.migration;

import dev.millrace.apply.ReplicaRole;
import dev.millrace.capture.CaptureSettings;
import dev.millrace.capture.CapturedTable;
import dev.millrace.capture.SourceCapture;
import dev.millrace.capture.Watermarks;
import dev.millrace.capture.position.SourcePosition;
import dev.millrace.change.TableId;
import dev.millrace.change.TargetChange;
import dev.millrace.change.Topics;
import dev.millrace.control.ControlSchema;
import dev.millrace.kafka.Broker;
import dev.millrace.kafka.ChangeLog;
import dev.millrace.kafka.ChangeLog.LogFilter;
import dev.millrace.kafka.ChangeLog.LogTopic;
import dev.millrace.kafka.LogEntry;
import dev.millrace.kafka.TopicPlan;
import dev.millrace.lifecycle.ComponentState;
import dev.millrace.mapping.Mapping;
import dev.millrace.migration.MigrationControl.ReconciliationState;
import dev.millrace.postgres.Database;
import dev.millrace.postgres.Identifier;
import dev.millrace.postgres.Session;
import dev.millrace.postgres.SessionFactory;
import dev.millrace.reconcile.ReconciliationReport;
import dev.millrace.retention.LogRetention;
import dev.millrace.spec.MigrationSpec;
import dev.millrace.spec.MigrationSpec.Backfill;
import dev.millrace.spec.MigrationSpec.Endpoint;
import dev.millrace.spec.MigrationSpec.IndexSetting;
import dev.millrace.spec.MigrationSpec.Indexes;
import dev.millrace.spec.MigrationSpec.Kafka;
import dev.millrace.spec.Secret;
import dev.millrace.spec.SpecResult;
import dev.millrace.sql.Relation;
import dev.millrace.stream.Direction;
import dev.millrace.stream.ReplicationStream;
import dev.millrace.testing.Blocks;
import dev.millrace.testing.KafkaServer;
import dev.millrace.testing.LostRecords;
import dev.millrace.testing.PostgresServer;
import dev.millrace.testing.TestDatabase;
import dev.millrace.testing.TestProducer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;
import org.apache.kafka.clients.admin.Admin;
import org.awaitility.Awaitility;
import org.jspecify.annotations.Nullable;

/// Two databases, a broker and one migration that copies tables, which a test starts and stops.
final class MigrationScene implements AutoCloseable {

    private static final int PARTITIONS = 3;

    final TestDatabase source = PostgresServer.shared().newDatabase();
    final TestDatabase target = PostgresServer.shared().newDatabase();
    final String name = KafkaServer.newMigrationName();
    private final Map<String, Object> kafka =
            Map.of("bootstrap.servers", KafkaServer.shared().bootstrapServers());
    private final Path dataDir;
    private final List<TableId> tables = new ArrayList<>();
    private List<TableId> targets = List.of();
    private final Database sourceDatabase;
    private LogRetention.Policy retention = LogRetention.Policy.of(Kafka.DEFAULT_RETENTION);
    private Database targetDatabase;
    private Backfill backfill = Backfill.ENGINE;
    private Indexes indexes = Indexes.KEEP;
    private @Nullable Migration migration;

    MigrationScene() throws IOException {
        this(Duration.ofMinutes(1));
    }

    /// @param silence how long either server may be silent within a short statement
    MigrationScene(Duration silence) throws IOException {
        dataDir = Files.createTempDirectory("millrace-scene");
        sourceDatabase = new Database(sessions(source), silence);
        targetDatabase = new Database(sessions(target), silence);
    }

    private SessionFactory sessions(TestDatabase database) {
        return new SessionFactory(name, database.url(), database.username(), database.password());
    }

    /// Chooses how existing rows are read; without it, the engine reads them.
    MigrationScene backfill(Backfill chosen) {
        backfill = chosen;
        return this;
    }

    /// Drops the target's indexes and foreign keys for the time of the backfill.
    MigrationScene indexesAfterBackfill() {
        indexes = Indexes.AFTER_BACKFILL;
        return this;
    }

    /// Creates the table on both sides.
    MigrationScene table(String table, String ddl) {
        source.execute("CREATE TABLE " + Identifier.quote(table) + " (" + ddl + ")");
        target.execute("CREATE TABLE " + Identifier.quote(table) + " (" + ddl + ")");
        tables.add(new TableId("public", table));
        return this;
    }

    /// Lets the migration write the target as a role that is not a superuser.
    ///
    /// @return the role's name
    String plainTargetRole() {
        String role = "plain_" + name;
        target.execute(
                "CREATE ROLE " + role + " LOGIN PASSWORD 'pw'",
                "GRANT ALL ON ALL TABLES IN SCHEMA public TO " + role,
                "GRANT CREATE ON DATABASE "
                        + target.value("SELECT current_database()")
                        + " TO "
                        + role);
        targetDatabase.close();
        targetDatabase = new Database(name, target.url(), role, "pw");
        return role;
    }

    /// Copies each source table into these target tables, in this order of the file.
    MigrationScene into(String... targets) {
        this.targets = Stream.of(targets).map(name -> new TableId("public", name)).toList();
        return this;
    }

    /// Deletes records of the log that are older than this, several times a second.
    MigrationScene retention(Duration age) {
        retention = new LogRetention.Policy(age, Duration.ofMillis(200));
        return this;
    }

    /// Runs one round of retention, which deletes everything that is older than this and read.
    ComponentState retain(Duration age) {
        try (LogRetention retention =
                LogRetention.start(
                        new LogRetention.Settings(
                                name,
                                1,
                                PARTITIONS,
                                kafka,
                                targetDatabase,
                                LogRetention.Policy.of(age)),
                        () -> true,
                        List.of(),
                        InstantSource.system())) {
            return Awaitility.await()
                    .atMost(Duration.ofSeconds(60))
                    .until(retention::state, state -> !(state instanceof ComponentState.Starting));
        }
    }

    private Stream<Mapping> mappings(Relation relation) {
        return (targets.isEmpty() ? List.of(relation.id()) : targets)
                .stream().map(target -> CopyMapping.of(relation, target));
    }

    /// Writes the rows of the log's first insert and moves the stored token to it, like an applier
    /// that was killed inside a block.
    void applyFirstInsert(String... targets) {
        List<LogEntry> changes = new ArrayList<>();
        new ChangeLog(kafka, new Topics(name))
                .entries(LogTopic.CHANGES, LogFilter.ALL, changes::add);
        LogEntry insert =
                changes.stream()
                        .filter(entry -> entry.kind().equals("insert"))
                        .findFirst()
                        .orElseThrow();
        if (changes.stream()
                .noneMatch(
                        entry ->
                                entry.partition() == insert.partition()
                                        && entry.offset() == insert.offset()
                                        && entry.index() > insert.index())) {
            throw new IllegalStateException("The block contains no later change.");
        }
        Map<String, @Nullable Object> row = Objects.requireNonNull(insert.row());
        for (String table : targets) {
            target.execute(
                    "INSERT INTO "
                            + table
                            + " VALUES ("
                            + row.get("id")
                            + ", '"
                            + row.get("name")
                            + "')");
        }
        target.execute(
                "UPDATE millrace.stored_offset SET token_offset = "
                        + insert.offset()
                        + ", token_index = "
                        + insert.index()
                        + " WHERE partition = "
                        + insert.partition());
    }

    Migration start() throws SQLException {
        Migration started = startAnother();
        migration = started;
        return started;
    }

    Migration startAnother() throws SQLException {
        return Migration.start(stream(), file(), "test", InstantSource.system());
    }

    ReplicationStream stream() {
        List<CapturedTable> captured = captured();
        MigrationSpec spec = spec();
        return new ReplicationStream(
                Direction.FORWARD,
                name,
                new ReplicationStream.Side(spec.source(), sourceDatabase),
                new ReplicationStream.Side(spec.target(), targetDatabase),
                new ReplicationStream.Tables(
                        captured.stream()
                                .map(CapturedTable::relation)
                                .flatMap(this::mappings)
                                .toList(),
                        captured),
                new ReplicationStream.Settings(
                        PARTITIONS,
                        kafka,
                        Map.of(),
                        ReplicaRole.REPLICA,
                        dataDir,
                        retention,
                        backfill,
                        new IndexSetting(indexes, Map.of())));
    }

    SpecResult.Valid file() {
        return new SpecResult.Valid(spec(), "hash");
    }

    /// Another process takes the owner's lock when the owner's session is terminated. It waits for
    /// the lock first, so that the owner cannot take it again in between.
    Connection takeOwnership() {
        Connection other = target.connect();
        CompletableFuture<Void> queued = CompletableFuture.runAsync(() -> lockOwnership(other));
        Awaitility.await()
                .atMost(Duration.ofSeconds(30))
                .until(
                        () ->
                                "1"
                                        .equals(
                                                target.value(
                                                        "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
                                                                + " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())")));
        target.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name = 'millrace "
                        + name
                        + " owner'");
        queued.join();
        return other;
    }

    private void lockOwnership(Connection other) {
        try (var statement = other.createStatement()) {
            statement.execute(
                    "SELECT pg_advisory_lock(hashtextextended('millrace.owner." + name + "', 0))");
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }

    /// Whether a session streams from the slot.
    boolean streams() {
        return "1"
                .equals(
                        source.value(
                                "SELECT count(*) FROM pg_replication_slots WHERE active AND slot_name = '"
                                        + CaptureSettings.slot(name)
                                        + "'"));
    }

    /// Runs what the conductor does before it starts a component.
    <T> T withGenerations(GenerationWork<T> work) throws SQLException {
        ControlSchema.migrate(() -> targetDatabase.connect("control"));
        try (Broker broker = new Broker(kafka)) {
            return work.with(new GenerationStart(stream(), file(), broker));
        }
    }

    interface GenerationWork<T> {
        T with(GenerationStart generations) throws SQLException;
    }

    /// Writes a change of an earlier generation, like a process that has not noticed the new one.
    void writeLate(TargetChange change) {
        late(stream().topics().target(), Blocks.record(change, 1));
    }

    private void late(String topic, byte[] value) {
        try (TestProducer producer = new TestProducer(kafka)) {
            for (int partition = 0; partition < PARTITIONS; partition++) {
                producer.send(topic, partition, value);
            }
        }
    }

    /// Waits until a session of this migration waits for a lock.
    void awaitWaiting(TestDatabase database, String purpose) {
        Awaitility.await()
                .atMost(Duration.ofSeconds(30))
                .pollInterval(Duration.ofMillis(20))
                .until(() -> waiting(database, purpose) > 0);
    }

    private long waiting(TestDatabase database, String purpose) {
        return Long.parseLong(
                String.valueOf(
                        database.value(
                                "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
                                        + " AND application_name = 'millrace "
                                        + name
                                        + " "
                                        + purpose
                                        + "'")));
    }

    private List<CapturedTable> captured() {
        List<CapturedTable> captured = new ArrayList<>();
        try (Session session = sourceDatabase.session()) {
            for (TableId table : tables) {
                Relation relation = session.sourceCatalog().relation(table).orElseThrow();
                captured.add(new CapturedTable(relation, false));
            }
        }
        return captured;
    }

    /// While the migration is stopped: captures everything that the source has committed, without
    /// mappings and apply.
    void captureAlone() throws Exception {
        SourceCapture capture =
                SourceCapture.start(
                        new CaptureSettings(
                                name,
                                1,
                                source.url(),
                                source.username(),
                                source.password(),
                                captured(),
                                PARTITIONS,
                                kafka,
                                Map.of(),
                                Backfill.ENGINE),
                        source::session,
                        InstantSource.system());
        long number;
        try (Connection connection = source.connect()) {
            number = new Watermarks(name, 1).emit(connection).number().number();
        }
        Awaitility.await()
                .atMost(Duration.ofSeconds(60))
                .until(
                        () -> {
                            SourcePosition position = capture.position();
                            return position != null && position.watermark() >= number;
                        });
        capture.close();
    }

    /// Simulates a consumer group that was inactive for longer than the broker keeps its offsets.
    void forgetMappingsOffsets() {
        String group = new Topics(name).rowsApplication(1);
        try (Admin admin = Admin.create(kafka)) {
            Awaitility.await()
                    .atMost(Duration.ofSeconds(60))
                    .ignoreExceptions()
                    .until(
                            () -> {
                                admin.deleteConsumerGroups(List.of(group)).all().get();
                                return true;
                            });
        }
    }

    /// The first offset and the end of each partition of the changes topic.
    List<Map<Integer, Long>> logged() {
        try (Broker broker = new Broker(kafka)) {
            String changes = stream().topics().changes();
            return List.of(broker.begins(changes, PARTITIONS), broker.ends(changes, PARTITIONS));
        }
    }

    /// The first offset of each partition of the target topic.
    Map<Integer, Long> targetBegins() {
        try (Broker broker = new Broker(kafka)) {
            return broker.begins(stream().topics().target(), PARTITIONS);
        }
    }

    Map<Integer, Long> mappingsOffsets() {
        try (Broker broker = new Broker(kafka)) {
            return broker.committedOffsets(
                    new Topics(name).rowsApplication(1), new Topics(name).changes());
        }
    }

    /// Commits these offsets for the mappings, which must not run.
    void commitMappingsOffsets(Map<Integer, Long> offsets) {
        try (Broker broker = new Broker(kafka)) {
            broker.setCommittedOffsets(
                    new Topics(name).rowsApplication(1), new Topics(name).changes(), offsets);
        }
    }

    void emptyChangesTopic() {
        try (Broker broker = new Broker(kafka)) {
            broker.deleteRecords(stream().topics().changes(), PARTITIONS);
        }
    }

    void emptyPositionTopic() throws Exception {
        LostRecords.of(kafka, stream().topics().position());
    }

    void createPositionTopic() {
        try (Broker broker = new Broker(kafka)) {
            broker.ensure(TopicPlan.of(new Topics(name), PARTITIONS).position());
        }
    }

    void deletePositionTopic() {
        try (Broker broker = new Broker(kafka)) {
            String topic = new Topics(name).position();
            broker.delete(List.of(topic));
            Awaitility.await()
                    .atMost(Duration.ofSeconds(20))
                    .until(() -> broker.find(topic).isEmpty());
        }
    }

    private MigrationSpec spec() {
        return new MigrationSpec(
                name,
                new Endpoint(source.url(), source.username(), Secret.of(source.password())),
                new Endpoint(target.url(), target.username(), Secret.of(target.password())),
                new Kafka.Embedded(PARTITIONS, Kafka.DEFAULT_RETENTION),
                dataDir,
                List.of(),
                Map.of(),
                Backfill.ENGINE,
                IndexSetting.KEEP);
    }

    void awaitPhase(String phase) {
        Awaitility.await()
                .atMost(Duration.ofSeconds(90))
                .pollInterval(Duration.ofMillis(100))
                .untilAsserted(
                        () ->
                                org.assertj.core.api.Assertions.assertThat(
                                                running().status().phase())
                                        .as(() -> running().status().toString())
                                        .isEqualTo(phase));
    }

    /// Waits until the end-to-end lag is known and low.
    void awaitFresh() {
        Awaitility.await()
                .atMost(Duration.ofSeconds(60))
                .until(
                        () -> {
                            Double age = running().status().lag().endToEndSeconds();
                            return age != null && age < PhaseRule.IN_SYNC_BELOW.toSeconds();
                        });
    }

    ReconciliationReport reconcile(String... targets) {
        UUID id = running().reconcile(List.of(targets));
        Awaitility.await()
                .atMost(Duration.ofSeconds(120))
                .until(
                        () ->
                                switch (running().reconciliation(id).orElseThrow()) {
                                    case ReconciliationState.Finished _ -> true;
                                    case ReconciliationState.Failed(String reason) ->
                                            throw new IllegalStateException(reason);
                                    case ReconciliationState.Waiting _,
                                            ReconciliationState.Running _ ->
                                            false;
                                });
        return ((ReconciliationState.Finished) running().reconciliation(id).orElseThrow()).report();
    }

    Migration running() {
        if (migration == null) {
            throw new IllegalStateException("The migration is not started.");
        }
        return migration;
    }

    void stop() {
        running().close();
        migration = null;
    }

    @Override
    public void close() {
        if (migration != null) {
            stop();
        }
        sourceDatabase.close();
        targetDatabase.close();
        source.query(
                "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE NOT active AND slot_name = '"
                        + CaptureSettings.slot(name)
                        + "'");
    }
}
