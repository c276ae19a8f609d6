package dev.millrace.migration;

import dev.millrace.change.TargetChange;
import dev.millrace.change.Topics;
import dev.millrace.kafka.Broker;
import dev.millrace.kafka.ChangeLog;
import dev.millrace.kafka.ChangeLog.LogFilter;
import dev.millrace.kafka.ChangeLog.LogTopic;
import dev.millrace.kafka.LogEntry;
import dev.millrace.kafka.TopicPlan;
import dev.millrace.testing.Blocks;
import dev.millrace.testing.LostRecords;
import dev.millrace.testing.TestDatabase;
import dev.millrace.testing.TestProducer;
import dev.millrace.testing.Waits;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Collectors;
import org.apache.kafka.clients.admin.Admin;
import org.awaitility.Awaitility;
import org.jspecify.annotations.Nullable;

/// The topics of a scene's migration and the offsets of its mappings, as a test reads, loses or
/// changes them.
record SceneTopics(Map<String, Object> kafka, Topics topics, int partitions) {

    /// The topics of this migration.
    List<String> names() throws Exception {
        try (Admin admin = Admin.create(kafka)) {
            return admin.listTopics().names().get().stream()
                    .filter(topic -> topic.contains(topics.migration()))
                    .toList();
        }
    }

    /// Writes a change of an earlier generation, like a process that has not noticed the new one.
    void writeLate(TargetChange change) {
        late(topics.target(), Blocks.record(change, 1));
    }

    /// Writes bytes that are no record of Millrace to every partition.
    void writeGarbage(String topic) {
        late(topic, "garbage".getBytes(StandardCharsets.UTF_8));
    }

    private void late(String topic, byte[] value) {
        try (TestProducer producer = new TestProducer(kafka)) {
            for (int partition = 0; partition < partitions; partition++) {
                producer.send(topic, partition, value);
            }
        }
    }

    /// Simulates a consumer group that was inactive for longer than the broker keeps its offsets.
    void forgetMappingsOffsets() {
        String group = topics.rowsApplication(1);
        try (Admin admin = Admin.create(kafka)) {
            Awaitility.await()
                    .atMost(Waits.LIMIT)
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
            String changes = topics.changes();
            return List.of(broker.begins(changes, partitions), broker.ends(changes, partitions));
        }
    }

    /// The first offset of each partition of the target topic.
    Map<Integer, Long> targetBegins() {
        try (Broker broker = new Broker(kafka)) {
            return broker.begins(topics.target(), partitions);
        }
    }

    Map<Integer, Long> mappingsOffsets() {
        try (Broker broker = new Broker(kafka)) {
            return broker.committedOffsets(topics.rowsApplication(1), topics.changes());
        }
    }

    /// What any tool that monitors consumer groups sees of apply.
    Map<Integer, Long> applierOffsets() {
        try (Broker broker = new Broker(kafka)) {
            return broker.committedOffsets(topics.applierGroup(), topics.target());
        }
    }

    /// Commits these offsets for the mappings, which must not run.
    void commitMappingsOffsets(Map<Integer, Long> offsets) {
        try (Broker broker = new Broker(kafka)) {
            broker.setCommittedOffsets(topics.rowsApplication(1), topics.changes(), offsets);
        }
    }

    void emptyChanges() {
        try (Broker broker = new Broker(kafka)) {
            broker.deleteRecords(topics.changes(), partitions);
        }
    }

    void emptyPositions() throws Exception {
        LostRecords.of(kafka, topics.position());
    }

    void createPositions() {
        try (Broker broker = new Broker(kafka)) {
            broker.ensure(TopicPlan.of(topics, partitions).position());
        }
    }

    void deletePositions() {
        try (Broker broker = new Broker(kafka)) {
            String topic = topics.position();
            broker.delete(List.of(topic));
            Awaitility.await().atMost(Waits.LIMIT).until(() -> broker.find(topic).isEmpty());
        }
    }

    /// Writes the rows of a partition up to the first change of a block that has a later one, and
    /// moves the stored token to that change, like an applier that was killed inside a block.
    void applyUpToInsideABlock(TestDatabase target, String... targets) {
        List<LogEntry> changes = new ArrayList<>();
        new ChangeLog(kafka, topics).entries(LogTopic.CHANGES, LogFilter.ALL, changes::add);
        List<LogEntry> inserts =
                changes.stream().filter(entry -> entry.kind().equals("insert")).toList();
        LogEntry last =
                inserts.stream()
                        .collect(
                                Collectors.groupingBy(
                                        entry -> List.of(entry.partition(), entry.offset())))
                        .values()
                        .stream()
                        .filter(block -> block.size() > 1)
                        .map(List::getFirst)
                        .findFirst()
                        .orElseThrow();
        inserts.stream()
                .takeWhile(one -> one != last)
                .filter(one -> one.partition() == last.partition())
                .forEach(earlier -> insert(target, earlier, targets));
        insert(target, last, targets);
        target.execute(
                "UPDATE millrace.stored_offset SET token_offset = "
                        + last.offset()
                        + ", token_index = "
                        + last.index()
                        + " WHERE partition = "
                        + last.partition());
    }

    private static void insert(TestDatabase target, LogEntry insert, String... targets) {
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
    }
}
