package dev.millrace.source;

import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
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
        Map<String, Object> config = new HashMap<>(kafka);
        config.put("isolation.level", "read_committed");
        config.put("auto.offset.reset", "none");
        config.put("enable.auto.commit", "false");
        config.put("default.api.timeout.ms", (int) timeout.toMillis());
        try (Consumer<byte[], byte[]> consumer =
                new KafkaConsumer<>(
                        config, new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
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
                last = Optional.of(codec.decode(record.value()));
            }
        }
        return last;
    }
}
