package dev.millrace.capture;

import dev.millrace.capture.CaptureFailures.SnapshotFailures;
import dev.millrace.capture.SourceCapture.SourceConnections;
import dev.millrace.capture.position.SourcePosition;
import dev.millrace.capture.position.TablePause;
import dev.millrace.change.ChangeEvent;
import dev.millrace.change.TableId;
import dev.millrace.change.Topics;
import dev.millrace.grants.GrantedLogins;
import dev.millrace.grants.GrantedLogins.Login;
import dev.millrace.kafka.Broker;
import dev.millrace.kafka.TopicPlan;
import dev.millrace.lifecycle.ComponentState;
import dev.millrace.lifecycle.Failure;
import dev.millrace.lifecycle.RestartPolicy;
import dev.millrace.postgres.Identifier;
import dev.millrace.spec.MigrationSpec.Backfill;
import dev.millrace.sql.Relation;
import dev.millrace.testing.Blocks;
import dev.millrace.testing.KafkaServer;
import dev.millrace.testing.PostgresServer;
import dev.millrace.testing.TestDatabase;
import dev.millrace.testing.TestProducer;
import dev.millrace.testing.Waits;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import java.util.stream.IntStream;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.awaitility.Awaitility;
import org.awaitility.core.ConditionTimeoutException;
import org.jspecify.annotations.Nullable;

/// A source database, the topics of one migration, and captures that write to them.
final class CaptureScene implements AutoCloseable {

    static final int PARTITIONS = 2;

    /// As the administrator opens it.
    final TestDatabase source;

    final String migration = KafkaServer.newMigrationName();
    final Topics topics = new Topics(migration);
    final Map<String, Object> kafka;
    private final List<CapturedTable> tables = new ArrayList<>();
    private final List<SourceCapture> captures = new ArrayList<>();
    private final Map<String, String> debezium = new HashMap<>();
    private Backfill backfill = Backfill.ENGINE;
    private Optional<String> opposite = Optional.empty();
    private @Nullable Login login;

    /// Of every capture that is started.
    RestartPolicy policy = RestartPolicy.standard();

    CaptureScene() {
        this(PostgresServer.shared().newDatabase());
    }

    CaptureScene(TestDatabase source) {
        this(source, KafkaServer.shared().bootstrapServers());
    }

    CaptureScene(TestDatabase source, String bootstrapServers) {
        this.source = source;
        this.kafka = Map.of("bootstrap.servers", bootstrapServers);
        TopicPlan plan = TopicPlan.of(topics, PARTITIONS);
        try (Broker broker = new Broker(kafka)) {
            broker.ensure(plan.changes());
            broker.ensure(plan.target());
            broker.ensure(plan.position());
        }
    }

    /// Creates a table and captures it. Columns are given as `name type`, the key by name.
    ///
    /// @param then statements that run before the table's definition is read
    CaptureScene table(
            String name, List<String> columns, String key, boolean fullIdentity, String... then) {
        source.execute(
                "CREATE TABLE "
                        + name
                        + " ("
                        + String.join(", ", columns)
                        + ", PRIMARY KEY ("
                        + key
                        + "))");
        if (fullIdentity) {
            source.execute("ALTER TABLE " + name + " REPLICA IDENTITY FULL");
        }
        source.execute(then);
        List<Relation.Column> described =
                source
                        .query(
                                "SELECT a.attname, n.nspname, t.typname, format_type(a.atttypid,"
                                        + " a.atttypmod), a.attgenerated <> '' FROM pg_attribute a JOIN"
                                        + " pg_type t ON t.oid = a.atttypid JOIN pg_namespace n ON"
                                        + " n.oid = t.typnamespace WHERE a.attrelid = '"
                                        + name
                                        + "'::regclass AND a.attnum > 0 AND NOT a.attisdropped"
                                        + " ORDER BY a.attnum")
                        .stream()
                        .map(
                                row ->
                                        new Relation.Column(
                                                String.valueOf(row.get(0)),
                                                new Relation.SqlType(
                                                        String.valueOf(row.get(1)),
                                                        String.valueOf(row.get(2)),
                                                        String.valueOf(row.get(3)),
                                                        -1,
                                                        Optional.empty()),
                                                false,
                                                "t".equals(row.get(4)),
                                                Relation.Collation.NONE))
                        .toList();
        tables.add(
                new CapturedTable(
                        new Relation(new TableId("public", name), described, List.of(key)),
                        fullIdentity));
        return this;
    }

    /// Identifies rows of the last created table by a unique index instead of the primary key.
    CaptureScene identifiedBy(String... columns) {
        Relation made = tables.removeLast().relation();
        String name = made.id().name();
        source.execute(
                "CREATE UNIQUE INDEX known_by ON " + name + " (" + String.join(", ", columns) + ")",
                "ALTER TABLE " + name + " REPLICA IDENTITY USING INDEX known_by");
        tables.add(
                new CapturedTable(
                        new Relation(made.id(), made.columns(), List.of(columns)), false));
        return this;
    }

    CaptureScene backfill(Backfill chosen) {
        backfill = chosen;
        return this;
    }

    /// Drops what this stream writes to the source.
    CaptureScene opposite(String stream) {
        opposite = Optional.of(stream);
        return this;
    }

    CaptureScene engine(String property, String value) {
        debezium.put(property, value);
        return this;
    }

    /// The login of the captures. When it is first used, it gets what `millrace grants` prints for
    /// the tables of the scene, without a switchover, and the publication exists.
    Login login() {
        Login made = login;
        if (made == null) {
            made =
                    GrantedLogins.capture(
                            migration,
                            source,
                            tables.stream()
                                    .map(table -> Identifier.quote(table.relation().id()))
                                    .toArray(String[]::new));
            login = made;
        }
        return made;
    }

    /// Leaves the publication to the captures, whose login also gets what a switchover needs.
    CaptureScene publishing() {
        login = GrantedLogins.source(source);
        return this;
    }

    CaptureSettings settings(int generation) {
        return new CaptureSettings(
                migration,
                generation,
                source.url(),
                login().name(),
                () -> GrantedLogins.PASSWORD,
                tables,
                PARTITIONS,
                kafka,
                debezium,
                backfill,
                opposite);
    }

    SourceCapture start(int generation) {
        return start(generation, () -> true);
    }

    SourceCapture start(int generation, SourceConnections connections) {
        SourceCapture capture =
                SourceCapture.start(
                        settings(generation),
                        connections,
                        InstantSource.system(),
                        new SnapshotFailures(),
                        () -> true,
                        policy,
                        TablePause.NEVER);
        captures.add(capture);
        return capture;
    }

    /// @param owner whether the capture owns the migration
    SourceCapture start(int generation, BooleanSupplier owner) {
        SourceCapture capture =
                SourceCapture.start(
                        settings(generation),
                        login()::session,
                        InstantSource.system(),
                        new SnapshotFailures(),
                        owner,
                        policy,
                        TablePause.NEVER);
        captures.add(capture);
        return capture;
    }

    /// Whether the capture has ended by a failure of this kind.
    static boolean hasEnded(SourceCapture capture, Class<? extends Failure.Terminal> kind) {
        return capture.state() instanceof ComponentState.Failed failed
                && kind.isInstance(failed.failure());
    }

    void recreatePositionTopic() {
        recreate(TopicPlan.of(topics, PARTITIONS).position());
    }

    void recreateChangesTopic() {
        recreate(TopicPlan.of(topics, PARTITIONS).changes());
    }

    void deleteChanges() {
        try (Broker broker = new Broker(kafka)) {
            broker.deleteRecords(topics.changes(), PARTITIONS);
        }
    }

    void writeToChanges(int partition, byte[] value) {
        try (TestProducer producer = new TestProducer(kafka)) {
            producer.send(new ProducerRecord<>(topics.changes(), partition, new byte[0], value));
        }
    }

    private void recreate(Broker.TopicSpec topic) {
        try (Broker broker = new Broker(kafka)) {
            broker.delete(List.of(topic.name()));
            Awaitility.await()
                    .atMost(Waits.LIMIT)
                    .ignoreExceptions()
                    .until(() -> broker.ensure(topic).partitions() == topic.partitions());
        }
    }

    /// Emits a watermark and waits until it is in the log.
    void awaitWatermark(SourceCapture capture) {
        long number = emit(capture).number();
        try {
            Awaitility.await()
                    .atMost(Waits.LIMIT)
                    .until(
                            () -> {
                                SourcePosition position = capture.position();
                                return position != null && position.watermark() >= number;
                            });
        } catch (ConditionTimeoutException e) {
            throw new AssertionError(
                    "watermark " + number + " is not in the log\n" + CaptureStall.of(this, capture),
                    e);
        }
        awaitMarkers();
    }

    /// The table `item(id int, name text)`, as [#table] describes it.
    static CapturedTable item() {
        return new CapturedTable(
                new Relation(
                        new TableId("public", "item"),
                        List.of(column("id", "int4", "integer"), column("name", "text", "text")),
                        List.of("id")),
                false);
    }

    private static Relation.Column column(String name, String type, String formatted) {
        return new Relation.Column(
                name,
                new Relation.SqlType("pg_catalog", type, formatted, -1, Optional.empty()),
                false,
                false,
                Relation.Collation.NONE);
    }

    dev.millrace.change.WatermarkNumber emit(SourceCapture capture) {
        SourcePosition position = capture.position();
        return emit(position == null ? 1 : position.generation());
    }

    dev.millrace.change.WatermarkNumber emit(int generation) {
        try (Connection connection = login().session("watermark")) {
            return new Watermarks(migration, generation).emit(connection).number();
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }

    /// Every committed change of the changes topic, partition by partition.
    List<ChangeEvent> log() {
        List<ChangeEvent> events = new ArrayList<>();
        for (int partition = 0; partition < PARTITIONS; partition++) {
            read(topics.changes(), partition)
                    .forEach(record -> events.addAll(Blocks.events(record.value())));
        }
        return events;
    }

    private List<ConsumerRecord<byte[], byte[]>> read(String topic, int partition) {
        TopicPartition from = new TopicPartition(topic, partition);
        List<ConsumerRecord<byte[], byte[]>> records = new ArrayList<>();
        try (KafkaConsumer<byte[], byte[]> consumer = consumer("read_committed")) {
            consumer.assign(List.of(from));
            long end = consumer.endOffsets(List.of(from)).getOrDefault(from, 0L);
            consumer.seekToBeginning(List.of(from));
            while (consumer.position(from) < end) {
                consumer.poll(Duration.ofMillis(100)).forEach(records::add);
            }
        }
        return records;
    }

    /// The broker acknowledges a commit before it has written every marker.
    private void awaitMarkers() {
        List<TopicPartition> partitions =
                IntStream.range(0, PARTITIONS)
                        .mapToObj(number -> new TopicPartition(topics.changes(), number))
                        .toList();
        try (KafkaConsumer<byte[], byte[]> all = consumer("read_uncommitted");
                KafkaConsumer<byte[], byte[]> committed = consumer("read_committed")) {
            all.assign(partitions);
            committed.assign(partitions);
            Awaitility.await()
                    .pollDelay(Duration.ZERO)
                    .pollInterval(Duration.ofMillis(20))
                    .atMost(Waits.LIMIT)
                    .until(
                            () ->
                                    all.endOffsets(partitions)
                                            .equals(committed.endOffsets(partitions)));
        }
    }

    private KafkaConsumer<byte[], byte[]> consumer(String isolation) {
        Map<String, Object> config = new HashMap<>(kafka);
        config.put("isolation.level", isolation);
        config.put("auto.offset.reset", "earliest");
        config.put("fetch.max.wait.ms", "10");
        return new KafkaConsumer<>(
                config, new ByteArrayDeserializer(), new ByteArrayDeserializer());
    }

    @Override
    public void close() {
        for (SourceCapture capture : captures) {
            capture.close();
        }
        source.query(
                "SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE active_pid"
                        + " IS NOT NULL AND slot_name = '"
                        + CaptureSettings.slot(migration)
                        + "'");
        Awaitility.await()
                .atMost(Waits.LIMIT)
                .ignoreExceptions()
                .until(
                        () -> {
                            source.query(
                                    "SELECT pg_drop_replication_slot(slot_name) FROM"
                                            + " pg_replication_slots WHERE slot_name = '"
                                            + CaptureSettings.slot(migration)
                                            + "'");
                            return true;
                        });
    }
}
