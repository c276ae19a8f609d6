package dev.millrace.kafka;

import java.time.Duration;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.IsolationLevel;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.TimeoutException;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/// Reads ranges of partitions, each call with a consumer of its own that belongs to no group. Safe
/// for any thread.
///
/// @param kafka client settings
/// @param timeout how long an answer may take
public record LogReader(Map<String, Object> kafka, Duration timeout) {

    /// Records from an offset up to another, which is not among them.
    public record Range(long from, long to) {

        public boolean holdsNothing() {
            return from >= to;
        }
    }

    public Map<TopicPartition, Long> begins(Collection<TopicPartition> partitions) {
        try (KafkaConsumer<byte[], byte[]> consumer = open(IsolationLevel.READ_UNCOMMITTED)) {
            consumer.assign(partitions);
            return consumer.beginningOffsets(partitions, timeout);
        }
    }

    /// Of a committed read the end is the last stable offset: where the first transaction begins
    /// that has not ended.
    public Map<TopicPartition, Long> ends(
            Collection<TopicPartition> partitions, IsolationLevel isolation) {
        try (KafkaConsumer<byte[], byte[]> consumer = open(isolation)) {
            consumer.assign(partitions);
            return consumer.endOffsets(partitions, timeout);
        }
    }

    /// @param isolation by which the range has an end
    /// @throws TimeoutException when the range was not read in time
    public void read(
            TopicPartition partition,
            Range range,
            IsolationLevel isolation,
            Consumer<ConsumerRecord<byte[], byte[]>> each) {
        if (range.holdsNothing()) {
            return;
        }
        try (KafkaConsumer<byte[], byte[]> consumer = open(isolation)) {
            consumer.assign(List.of(partition));
            consumer.seek(partition, range.from());
            long deadline = System.nanoTime() + timeout.toNanos();
            while (consumer.position(partition, timeout) < range.to()) {
                if (System.nanoTime() > deadline) {
                    throw new TimeoutException(
                            "topic " + partition.topic() + " was not read in time");
                }
                for (ConsumerRecord<byte[], byte[]> record :
                        consumer.poll(Duration.ofMillis(100))) {
                    if (record.offset() < range.to()) {
                        each.accept(record);
                    }
                }
            }
        }
    }

    private KafkaConsumer<byte[], byte[]> open(IsolationLevel isolation) {
        Map<String, Object> config = new HashMap<>(kafka);
        config.put("isolation.level", isolation.toString());
        config.put("auto.offset.reset", "none");
        config.put("enable.auto.commit", "false");
        // Behind a range's end nothing comes, and closing waits for the question.
        config.put("fetch.max.wait.ms", "10");
        config.put("default.api.timeout.ms", (int) timeout.toMillis());
        return new KafkaConsumer<>(
                config, new ByteArrayDeserializer(), new ByteArrayDeserializer());
    }
}
