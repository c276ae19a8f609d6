package dev.millrace.kafka;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.millrace.change.BlockCodec;
import dev.millrace.change.ChangeBlock;
import dev.millrace.change.ChangeEvent;
import dev.millrace.change.ChangeEvent.Origin;
import dev.millrace.change.Lsn;
import dev.millrace.change.Row;
import dev.millrace.change.RowSchema;
import dev.millrace.change.TableId;
import dev.millrace.change.TargetChange;
import dev.millrace.change.Token;
import dev.millrace.change.Topics;
import dev.millrace.change.WatermarkNumber;
import dev.millrace.kafka.ChangeLog.LogFilter;
import dev.millrace.kafka.ChangeLog.LogTopic;
import dev.millrace.kafka.ChangeLog.LogUnreadable;
import dev.millrace.kafka.ChangeLog.Logged;
import dev.millrace.kafka.TopicReader.OffsetRange;
import dev.millrace.testing.Blocks;
import dev.millrace.testing.KafkaServer;
import dev.millrace.testing.Waits;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.ListOffsetsOptions;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.admin.RecordsToDelete;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.IsolationLevel;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class ChangeLogIT {

    private static final TableId TABLE = new TableId("public", "users");
    private static final TableId TARGET = new TableId("public", "client");
    private static final RowSchema ROW_SCHEMA =
            RowSchema.keyed(TABLE, List.of("id", "name", "bio"), List.of("id"));
    private static final Origin ORIGIN =
            new Origin(Lsn.parse("16/B374D848"), 77, 1_700_000_000_123_456L);

    private final Topics topics = new Topics(KafkaServer.newMigrationName());
    private final Map<String, Object> kafka =
            Map.of("bootstrap.servers", KafkaServer.shared().bootstrapServers());
    private final ChangeLog log = new ChangeLog(kafka, topics);
    private KafkaProducer<byte[], byte[]> producer;

    @BeforeEach
    void createTopics() throws Exception {
        try (Admin admin = Admin.create(kafka)) {
            admin.createTopics(
                            List.of(
                                    new NewTopic(topics.changes(), 2, (short) 1),
                                    new NewTopic(topics.target(), 2, (short) 1)))
                    .all()
                    .get();
        }
        producer =
                new KafkaProducer<>(
                        Map.of(
                                "bootstrap.servers",
                                KafkaServer.shared().bootstrapServers(),
                                "transactional.id",
                                topics.captureTransactionalId()),
                        new ByteArraySerializer(),
                        new ByteArraySerializer());
        producer.initTransactions();
    }

    @AfterEach
    void close() {
        producer.close();
    }

    private static ChangeEvent insert(int id) {
        return new ChangeEvent.Insert(
                1, ORIGIN, Row.of(ROW_SCHEMA, Integer.toString(id), "name " + id, null));
    }

    private void commit(int partition, ChangeEvent... events) {
        producer.beginTransaction();
        send(partition, events);
        producer.commitTransaction();
        awaitMarker(topics.changes(), partition);
    }

    /// The broker acknowledges a commit before it writes the marker to the partition. Until then
    /// the end offset is that of the previous transaction.
    private void awaitMarker(String topic, int partition) {
        TopicPartition of = new TopicPartition(topic, partition);
        try (Admin admin = Admin.create(kafka)) {
            Awaitility.await()
                    .pollDelay(Duration.ZERO)
                    .pollInterval(Duration.ofMillis(20))
                    .atMost(Waits.LIMIT)
                    .until(
                            () ->
                                    end(admin, of, IsolationLevel.READ_COMMITTED)
                                            == end(admin, of, IsolationLevel.READ_UNCOMMITTED));
        }
    }

    private static long end(Admin admin, TopicPartition partition, IsolationLevel isolation)
            throws Exception {
        return admin.listOffsets(
                        Map.of(partition, OffsetSpec.latest()), new ListOffsetsOptions(isolation))
                .partitionResult(partition)
                .get()
                .offset();
    }

    private void send(int partition, ChangeEvent... events) {
        for (ChangeEvent event : events) {
            producer.send(
                    new ProducerRecord<>(
                            topics.changes(), partition, new byte[0], Blocks.record(event, 1)));
        }
    }

    private List<Logged<ChangeEvent>> read(Map<Integer, OffsetRange> ranges) {
        List<Logged<ChangeEvent>> read = new ArrayList<>();
        log.changes(ranges, read::addAll);
        return read;
    }

    private List<LogEntry> entries(LogTopic topic, LogFilter filter) {
        List<LogEntry> entries = new ArrayList<>();
        log.entries(topic, filter, entries::add);
        return entries;
    }

    @Test
    void readsRangeFromInclusiveToExclusive() {
        commit(0, insert(0), insert(1), insert(2), insert(3));
        commit(1, insert(10), insert(11));

        List<Logged<ChangeEvent>> read =
                read(Map.of(0, new OffsetRange(1, 3), 1, new OffsetRange(1, 2)));

        assertThat(read)
                .containsExactlyInAnyOrder(
                        new Logged<>(0, 1, 0, insert(1)),
                        new Logged<>(0, 2, 0, insert(2)),
                        new Logged<>(1, 1, 0, insert(11)));
        assertThat(read(Map.of(0, new OffsetRange(3, 3)))).isEmpty();
    }

    @Test
    void readsTheChangesOfABlockInOrder() {
        ChangeBlock.Writer writer = new BlockCodec().changes(1);
        IntStream.range(0, 3).forEach(id -> writer.add((ChangeEvent.OfRow) insert(id)));
        producer.beginTransaction();
        producer.send(new ProducerRecord<>(topics.changes(), 0, null, writer.take(3)));
        producer.commitTransaction();
        awaitMarker(topics.changes(), 0);

        assertThat(read(Map.of(0, new OffsetRange(0, 1))))
                .containsExactly(
                        new Logged<>(0, 0, 0, insert(0)),
                        new Logged<>(0, 0, 1, insert(1)),
                        new Logged<>(0, 0, 2, insert(2)));
    }

    @Test
    void endsExcludeOpenTransactions() {
        commit(0, insert(0));
        long end = log.ends(LogTopic.CHANGES).getOrDefault(0, -1L);
        producer.beginTransaction();
        send(0, insert(1));
        producer.flush();

        assertThat(log.ends(LogTopic.CHANGES)).containsEntry(0, end);
        producer.abortTransaction();
        commit(0, insert(2));

        assertThat(read(Map.of(0, new OffsetRange(0, ends(0)))))
                .extracting(Logged::content)
                .containsExactly(insert(0), insert(2));
    }

    private long ends(int partition) {
        return log.ends(LogTopic.CHANGES).getOrDefault(partition, -1L);
    }

    @Test
    void rejectsRangeThatWasDeleted() throws Exception {
        commit(0, insert(0), insert(1), insert(2));
        try (Admin admin = Admin.create(kafka)) {
            admin.deleteRecords(
                            Map.of(
                                    new TopicPartition(topics.changes(), 0),
                                    RecordsToDelete.beforeOffset(2)))
                    .all()
                    .get();
        }

        assertThat(log.begins(LogTopic.CHANGES)).containsEntry(0, 2L);
        assertThatThrownBy(() -> read(Map.of(0, new OffsetRange(0, 3))))
                .isInstanceOf(LogUnreadable.class);
    }

    @Test
    void printsWhatIsLeftWhenRecordsAreDeletedMeanwhile() {
        String wide = "x".repeat(20_000);
        commit(
                0,
                IntStream.range(0, 200)
                        .mapToObj(
                                id ->
                                        new ChangeEvent.Insert(
                                                1, ORIGIN, Row.of(ROW_SCHEMA, "" + id, "n", wide)))
                        .toArray(ChangeEvent[]::new));
        List<Long> offsets = new ArrayList<>();
        try (Broker broker = new Broker(kafka)) {
            log.entries(
                    LogTopic.CHANGES,
                    LogFilter.ALL,
                    entry -> {
                        if (offsets.isEmpty()) {
                            broker.deleteRecords(topics.changes(), Map.of(0, 190L));
                        }
                        return offsets.add(entry.offset());
                    });
        }

        assertThat(offsets).doesNotHaveDuplicates().isSorted().startsWith(0L).endsWith(199L);
        assertThat(offsets).doesNotContain(189L);
    }

    @Test
    void rejectsMissingTopic() {
        ChangeLog other = new ChangeLog(kafka, new Topics(topics.migration() + "x"));

        assertThatThrownBy(() -> other.ends(LogTopic.CHANGES)).isInstanceOf(LogUnreadable.class);
    }

    @Test
    void printsEachChangeAsOneLineOfJson() {
        Row partial =
                new Row.Builder(ROW_SCHEMA).text(0, "7").text(1, "a\n\"b\"").unchanged(2).build();
        commit(
                0,
                new ChangeEvent.Update(1, ORIGIN, partial),
                new ChangeEvent.Watermark(ORIGIN, new WatermarkNumber(1, 5)),
                new ChangeEvent.Truncate(1, ORIGIN, TABLE, 3));

        assertThat(entries(LogTopic.CHANGES, LogFilter.ALL))
                .extracting(LogEntry::toJson)
                .containsExactly(
                        "{\"topic\":\"changes\",\"partition\":0,\"offset\":0,\"index\":0,\"kind\":\"update\","
                                + "\"generation\":1,\"table\":\"public.users\",\"key\":{\"id\":\"7\"},"
                                + "\"row\":{\"id\":\"7\",\"name\":\"a\\n\\\"b\\\"\","
                                + "\"bio\":{\"unchanged\":true}},\"lsn\":\"16/B374D848\",\"xid\":77,"
                                + "\"committedAt\":\"2023-11-14T22:13:20.123456Z\"}",
                        "{\"topic\":\"changes\",\"partition\":0,\"offset\":1,\"index\":0,\"kind\":\"watermark\","
                                + "\"generation\":1,\"watermark\":5,\"lsn\":\"16/B374D848\",\"xid\":77,"
                                + "\"committedAt\":\"2023-11-14T22:13:20.123456Z\"}",
                        "{\"topic\":\"changes\",\"partition\":0,\"offset\":2,\"index\":0,\"kind\":\"truncate\","
                                + "\"generation\":1,\"table\":\"public.users\",\"truncation\":3,"
                                + "\"lsn\":\"16/B374D848\",\"xid\":77,"
                                + "\"committedAt\":\"2023-11-14T22:13:20.123456Z\"}");
    }

    @Test
    void filtersEntriesByTableAndKey() {
        commit(0, insert(1), insert(2), new ChangeEvent.Truncate(1, ORIGIN, TABLE, 3));
        commit(1, insert(3));

        assertThat(
                        entries(
                                LogTopic.CHANGES,
                                new LogFilter(
                                        Optional.of("public.users"), Optional.of(List.of("2")))))
                .singleElement()
                .extracting(LogEntry::offset)
                .isEqualTo(1L);
        assertThat(
                        entries(
                                LogTopic.CHANGES,
                                new LogFilter(Optional.of("public.other"), Optional.empty())))
                .isEmpty();
        assertThat(entries(LogTopic.CHANGES, LogFilter.ALL)).hasSize(4);
    }

    @Test
    void stopsReadingWhenConsumerReturnsFalse() {
        ChangeEvent[] many =
                IntStream.range(0, 6_000).mapToObj(ChangeLogIT::insert).toArray(ChangeEvent[]::new);
        commit(0, many);
        producer.beginTransaction();
        producer.send(new ProducerRecord<>(topics.changes(), 0, new byte[0], new byte[] {-1}));
        producer.commitTransaction();
        awaitMarker(topics.changes(), 0);
        List<Long> offsets = new ArrayList<>();

        log.entries(
                LogTopic.CHANGES,
                LogFilter.ALL,
                entry -> {
                    offsets.add(entry.offset());
                    return offsets.size() < 3;
                });

        assertThat(offsets).containsExactly(0L, 1L, 2L);
        assertThatThrownBy(() -> entries(LogTopic.CHANGES, LogFilter.ALL))
                .as("the later record cannot be decoded")
                .isInstanceOf(RuntimeException.class);
    }

    @Test
    void printsTargetChangesWithTokens() {
        Token token = new Token(1, 41, 2);
        List<TargetChange> changes =
                List.of(
                        new TargetChange.Upsert(token, Row.of(ROW_SCHEMA, "7", "", null)),
                        new TargetChange.Rejected(
                                token,
                                TARGET,
                                0,
                                "no",
                                Optional.empty(),
                                Row.of(ROW_SCHEMA, "7", "x", null)));
        producer.beginTransaction();
        for (TargetChange change : changes) {
            producer.send(
                    new ProducerRecord<>(
                            topics.target(), 1, new byte[0], Blocks.record(change, 1)));
        }
        producer.commitTransaction();
        awaitMarker(topics.target(), 1);

        assertThat(entries(LogTopic.TARGET, LogFilter.ALL))
                .extracting(LogEntry::toJson)
                .containsExactly(
                        "{\"topic\":\"target\",\"partition\":1,\"offset\":0,\"index\":0,\"kind\":\"upsert\","
                                + "\"generation\":1,\"table\":\"public.users\",\"key\":{\"id\":\"7\"},"
                                + "\"row\":{\"id\":\"7\",\"name\":\"\",\"bio\":null},"
                                + "\"token\":\"1:41:2\"}",
                        "{\"topic\":\"target\",\"partition\":1,\"offset\":1,\"index\":0,\"kind\":\"rejected\","
                                + "\"generation\":1,\"table\":\"public.client\",\"key\":{\"id\":\"7\"},"
                                + "\"row\":{\"id\":\"7\",\"name\":\"x\",\"bio\":null},"
                                + "\"reason\":\"no\",\"token\":\"1:41:2\"}");
    }

    @Test
    void toStringContainsNoValue() {
        commit(0, insert(1));

        assertThat(entries(LogTopic.CHANGES, LogFilter.ALL).toString()).doesNotContain("name 1");
    }
}
