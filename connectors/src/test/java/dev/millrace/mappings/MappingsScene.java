package dev.millrace.mappings;

import static org.awaitility.Awaitility.await;

import dev.millrace.change.ChangeEvent;
import dev.millrace.change.ChangeEvent.Origin;
import dev.millrace.change.Lsn;
import dev.millrace.change.Row;
import dev.millrace.change.RowSchema;
import dev.millrace.change.TableId;
import dev.millrace.change.TargetChange;
import dev.millrace.change.Token;
import dev.millrace.change.Topics;
import dev.millrace.kafka.Broker;
import dev.millrace.kafka.TopicPlan;
import dev.millrace.lifecycle.ComponentState;
import dev.millrace.lifecycle.RestartPolicy;
import dev.millrace.mapping.Mapping;
import dev.millrace.mapping.RowMapper;
import dev.millrace.sql.Relation;
import dev.millrace.testing.Blocks;
import dev.millrace.testing.KafkaServer;
import dev.millrace.testing.TestFolders;
import dev.millrace.testing.TestProducer;
import dev.millrace.testing.Waits;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.jspecify.annotations.Nullable;

/// A changes topic of one partition that the test writes, and the mappings that read it. Rows are
/// identified by ascending ids.
final class MappingsScene implements AutoCloseable {

    private static final int GENERATION = 1;
    private static final TableId TABLE = new TableId("public", "item");
    private static final RowSchema ROW_SCHEMA =
            RowSchema.keyed(TABLE, List.of("id", "body"), List.of("id"));
    private static final RowSchema KEY = RowSchema.keyed(TABLE, List.of("id"), List.of("id"));

    private final String migration = KafkaServer.newMigrationName();
    private final Topics topics = new Topics(migration);
    private final Map<String, Object> kafka =
            Map.of("bootstrap.servers", KafkaServer.shared().bootstrapServers());
    private final Broker broker = new Broker(kafka);
    private final Random random = new Random(7);
    private final TestProducer producer;
    private final List<RowApplication> applications = new ArrayList<>();
    private volatile CountDownLatch flowing = new CountDownLatch(0);

    /// Thrown by the mapper for each row, if not null.
    volatile @Nullable RuntimeException failing;

    MappingsScene() {
        TopicPlan plan = TopicPlan.of(topics, 1);
        broker.ensure(plan.changes());
        broker.ensure(plan.target());
        Map<String, Object> large = new HashMap<>(kafka);
        large.put("max.request.size", 64 * 1024 * 1024);
        producer = new TestProducer(large);
    }

    void place() {
        broker.setCommittedOffsets(
                topics.rowsApplication(GENERATION), topics.changes(), Map.of(0, 0L));
    }

    /// Rows with bodies that do not compress.
    void insert(int from, int to, int characters) {
        for (int id = from; id <= to; id++) {
            StringBuilder body = new StringBuilder(characters);
            random.ints(characters, ' ', '~').forEach(c -> body.append((char) c));
            Row row = Row.of(ROW_SCHEMA, Integer.toString(id), body.toString());
            byte[] value =
                    Blocks.record(
                            new ChangeEvent.Insert(GENERATION, new Origin(new Lsn(id), id, 0), row),
                            id);
            producer.send(topics.changes(), 0, value);
        }
        producer.flush();
    }

    /// @param more client settings of a user
    RowApplication start(Map<String, Object> more) {
        Map<String, Object> settings = new HashMap<>(kafka);
        settings.putAll(more);
        RowApplication application =
                RowApplication.start(
                        new RowApplication.Settings(
                                migration,
                                GENERATION,
                                List.of(copy()),
                                settings,
                                TestFolders.create("mappings"),
                                1),
                        InstantSource.system(),
                        new RestartPolicy(Duration.ofMillis(100), Duration.ofMillis(500), 3));
        applications.add(application);
        return application;
    }

    void alterTarget(String name, String value) throws Exception {
        try (Admin admin = Admin.create(kafka)) {
            admin.incrementalAlterConfigs(
                            Map.of(
                                    new ConfigResource(ConfigResource.Type.TOPIC, topics.target()),
                                    List.of(
                                            new AlterConfigOp(
                                                    new ConfigEntry(name, value),
                                                    AlterConfigOp.OpType.SET))))
                    .all()
                    .get();
        }
    }

    void deleteChanges() {
        broker.deleteRecords(topics.changes(), 1);
    }

    /// Waits until this many runs have failed because the broker refused a record.
    void awaitRefusals(RowApplication mappings, int times) {
        Set<Instant> ends = new HashSet<>();
        await().atMost(Waits.LIMIT)
                .pollInterval(Duration.ofMillis(50))
                .until(
                        () -> {
                            if (mappings.state()
                                    instanceof ComponentState.Waiting(var failure, var at)) {
                                if (!failure.reason().contains("RecordTooLargeException")) {
                                    throw new AssertionError(failure);
                                }
                                ends.add(at);
                            }
                            return ends.size() >= times;
                        });
    }

    /// Ids in the target topic in its order, without repetitions.
    List<Integer> written() {
        return ids().stream().distinct().toList();
    }

    /// Ids that an applier would apply: those with a token newer than every earlier token.
    List<Integer> applicable() {
        List<Integer> applicable = new ArrayList<>();
        Token newest = Token.none(GENERATION);
        for (TargetChange.Upsert upsert : target()) {
            if (upsert.token().compareTo(newest) > 0) {
                newest = upsert.token();
                applicable.add(id(upsert));
            }
        }
        return applicable;
    }

    long committed() {
        return broker.committedOffsets(topics.rowsApplication(GENERATION), topics.changes())
                .getOrDefault(0, -1L);
    }

    private List<Integer> ids() {
        return target().stream().map(MappingsScene::id).toList();
    }

    private static int id(TargetChange.Upsert upsert) {
        return Integer.parseInt(String.valueOf(upsert.row().text(0)));
    }

    private List<TargetChange.Upsert> target() {
        TopicPartition partition = new TopicPartition(topics.target(), 0);
        Map<String, Object> config = new HashMap<>(kafka);
        config.put("isolation.level", "read_committed");
        List<TargetChange.Upsert> upserts = new ArrayList<>();
        try (KafkaConsumer<byte[], byte[]> consumer =
                new KafkaConsumer<>(
                        config, new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
            consumer.assign(List.of(partition));
            long end = consumer.endOffsets(List.of(partition)).getOrDefault(partition, 0L);
            consumer.seekToBeginning(List.of(partition));
            while (consumer.position(partition) < end) {
                consumer.poll(Duration.ofMillis(100))
                        .forEach(
                                record ->
                                        Blocks.targetChanges(record.value())
                                                .forEach(
                                                        change ->
                                                                upserts.add(
                                                                        (TargetChange.Upsert)
                                                                                change)));
            }
        }
        return upserts;
    }

    /// Makes the mapper wait at its next row until [#flow].
    void hold() {
        flowing = new CountDownLatch(1);
    }

    void flow() {
        flowing.countDown();
    }

    private void pass() {
        try {
            flowing.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }

    private Mapping copy() {
        RowMapper mapper =
                new RowMapper() {
                    @Override
                    public MappedRow map(Row source) {
                        pass();
                        RuntimeException fault = failing;
                        if (fault != null) {
                            throw fault;
                        }
                        return new MappedRow.Upsert(source);
                    }

                    @Override
                    public Row key(Row source) {
                        return Row.of(KEY, String.valueOf(source.text(0)));
                    }
                };
        Relation.SqlType text =
                new Relation.SqlType("pg_catalog", "text", "text", -1, Optional.empty());
        return new Mapping(TABLE, ROW_SCHEMA, List.of(text, text), "", "", mapper);
    }

    @Override
    public void close() {
        flow();
        for (RowApplication application : applications) {
            application.close();
        }
        producer.close();
        broker.close();
    }
}
