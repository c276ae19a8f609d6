package dev.millrace.source;

import dev.millrace.change.TableId;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.IntStream;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/// Reads the source position back: the last *committed* record of the position topic. The answer is
/// final only when an older producer of the same transactional id can no longer commit, so
/// `initTransactions` comes first.
final class PositionLog {

    private final Map<String, Object> kafka;
    private final TopicPartition partition;
    private final PositionCodec codec = new PositionCodec();

    PositionLog(Map<String, Object> kafka, String topic) {
        this.kafka = kafka;
        this.partition = new TopicPartition(topic, 0);
    }

    /// @throws IllegalStateException when the topic doesn't answer in time
    Optional<SourcePosition> last(Duration timeout) {
        try (Consumer<byte[], byte[]> consumer = open(timeout)) {
            consumer.assign(List.of(partition));
            long begin =
                    consumer.beginningOffsets(List.of(partition), timeout)
                            .getOrDefault(partition, 0L);
            long end = consumer.endOffsets(List.of(partition), timeout).getOrDefault(partition, 0L);
            for (long window = 64; ; window *= 64) {
                long from = Math.max(begin, end - window);
                Optional<SourcePosition> found = last(consumer, from, end, timeout);
                if (found.isPresent() || from == begin) {
                    return found;
                }
            }
        }
    }

    /// The captured tables' facts that a position names, empty when it names none.
    ///
    /// @throws SourceLostException when they are not where it says
    SortedMap<TableId, PublishedTable> tables(SourcePosition position, Duration timeout) {
        long at = position.logged().tablesAt();
        if (at < 0) {
            return new TreeMap<>();
        }
        try (Consumer<byte[], byte[]> consumer = open(timeout)) {
            consumer.assign(List.of(partition));
            consumer.seek(partition, at);
            long deadline = System.nanoTime() + timeout.toNanos();
            while (System.nanoTime() < deadline) {
                for (ConsumerRecord<byte[], byte[]> record :
                        consumer.poll(Duration.ofMillis(100))) {
                    if (record.offset() == at && !ChangeLogWriter.isPosition(record.key())) {
                        return new PublishedTablesCodec().decode(record.value());
                    }
                    throw new SourceLostException(
                            "the position topic no longer holds what the tables were like when the log was begun");
                }
            }
        }
        throw new IllegalStateException("topic " + partition.topic() + " was not read in time");
    }

    /// @throws SourceLostException when a topic ends before what the position says it holds
    void requireWhole(String changes, SourcePosition position, Duration timeout) {
        List<Long> written = position.logged().changesEnds();
        try (Consumer<byte[], byte[]> consumer = open(timeout)) {
            List<TopicPartition> partitions =
                    IntStream.range(0, written.size())
                            .mapToObj(number -> new TopicPartition(changes, number))
                            .toList();
            Map<TopicPartition, Long> ends = consumer.endOffsets(partitions, timeout);
            for (TopicPartition each : partitions) {
                long end = ends.getOrDefault(each, 0L);
                if (end < written.get(each.partition())) {
                    throw new SourceLostException(
                            "partition "
                                    + each
                                    + " ends at "
                                    + end
                                    + ", where the log held records up to "
                                    + written.get(each.partition())
                                    + ": the broker lost some");
                }
            }
        }
    }

    private Consumer<byte[], byte[]> open(Duration timeout) {
        Map<String, Object> config = new HashMap<>(kafka);
        config.put("isolation.level", "read_committed");
        config.put("auto.offset.reset", "none");
        config.put("enable.auto.commit", "false");
        config.put("default.api.timeout.ms", (int) timeout.toMillis());
        return new KafkaConsumer<>(
                config, new ByteArrayDeserializer(), new ByteArrayDeserializer());
    }

    private Optional<SourcePosition> last(
            Consumer<byte[], byte[]> consumer, long from, long end, Duration timeout) {
        consumer.seek(partition, from);
        long deadline = System.nanoTime() + timeout.toNanos();
        Optional<SourcePosition> last = Optional.empty();
        while (consumer.position(partition, timeout) < end) {
            if (System.nanoTime() > deadline) {
                throw new IllegalStateException(
                        "topic " + partition.topic() + " was not read in time");
            }
            for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofMillis(100))) {
                if (ChangeLogWriter.isPosition(record.key())) {
                    last = Optional.of(codec.decode(record.value()));
                }
            }
        }
        return last;
    }
}
