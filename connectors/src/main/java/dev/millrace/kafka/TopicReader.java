package dev.millrace.kafka;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.function.Predicate;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.IsolationLevel;
import org.apache.kafka.common.PartitionInfo;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.TimeoutException;
import org.apache.kafka.common.errors.UnknownTopicOrPartitionException;

/// Reads ranges of partitions and the offsets at which partitions begin and end. The only reader of
/// a topic's range. Each call opens a consumer that joins no group and commits nothing. Failures
/// are Kafka's own exceptions. Thread-safe.
///
/// @param kafka client settings, at least `bootstrap.servers`
/// @param timeout how long a request may take, and how long a read may make no progress
public record TopicReader(Map<String, Object> kafka, Duration timeout) {

    /// Longer than a broker needs to restart and to elect leaders.
    public static final Duration TIMEOUT = Duration.ofSeconds(20);

    private static final Duration POLL = Duration.ofMillis(100);

    /// Offsets of one partition, `from` inclusive, `to` exclusive. Not every offset is a record:
    /// transaction markers occupy offsets too.
    public record OffsetRange(long from, long to) {

        public boolean isEmpty() {
            return to <= from;
        }
    }

    /// The first offset of each partition that still exists.
    public Map<TopicPartition, Long> begins(Collection<TopicPartition> partitions) {
        try (KafkaConsumer<byte[], byte[]> consumer = open(IsolationLevel.READ_UNCOMMITTED)) {
            consumer.assign(partitions);
            return consumer.beginningOffsets(partitions, timeout);
        }
    }

    /// The offset after the last record of each partition. With [IsolationLevel#READ_COMMITTED] it
    /// is the last stable offset, the first offset of the oldest open transaction.
    public Map<TopicPartition, Long> ends(
            Collection<TopicPartition> partitions, IsolationLevel isolation) {
        try (KafkaConsumer<byte[], byte[]> consumer = open(isolation)) {
            consumer.assign(partitions);
            return consumer.endOffsets(partitions, timeout);
        }
    }

    /// Like [#begins(Collection)], for all partitions of a topic, by partition number.
    public Map<Integer, Long> begins(String topic) {
        try (KafkaConsumer<byte[], byte[]> consumer = open(IsolationLevel.READ_UNCOMMITTED)) {
            return byNumber(consumer.beginningOffsets(partitions(consumer, topic), timeout));
        }
    }

    /// Like [#ends(Collection, IsolationLevel)], for all partitions of a topic, by partition
    /// number.
    public Map<Integer, Long> ends(String topic, IsolationLevel isolation) {
        try (KafkaConsumer<byte[], byte[]> consumer = open(isolation)) {
            return byNumber(consumer.endOffsets(partitions(consumer, topic), timeout));
        }
    }

    /// Reads one range to its end.
    ///
    /// @throws TimeoutException if the read makes no progress for the timeout
    public void read(
            TopicPartition partition,
            OffsetRange range,
            IsolationLevel isolation,
            Consumer<ConsumerRecord<byte[], byte[]>> reader) {
        read(
                Map.of(partition, range),
                isolation,
                records -> {
                    records.forEach(reader);
                    return true;
                });
    }

    /// Reads ranges in turns, each partition in its order, until all ranges are read to their ends
    /// or the reader returns false.
    ///
    /// @throws TimeoutException if the read makes no progress for the timeout: the broker does not
    ///   respond, or a committed read has reached an open transaction
    public void read(
            Map<TopicPartition, OffsetRange> ranges,
            IsolationLevel isolation,
            Predicate<List<ConsumerRecord<byte[], byte[]>>> reader) {
        Map<TopicPartition, OffsetRange> unread = new HashMap<>(ranges);
        unread.values().removeIf(OffsetRange::isEmpty);
        if (unread.isEmpty()) {
            return;
        }
        try (KafkaConsumer<byte[], byte[]> consumer = open(isolation)) {
            consumer.assign(unread.keySet());
            unread.forEach((partition, range) -> consumer.seek(partition, range.from()));
            Map<TopicPartition, Long> before = positions(consumer, unread);
            long idlePolls = 0;
            while (!unread.isEmpty()) {
                List<ConsumerRecord<byte[], byte[]>> records = poll(consumer, unread);
                if (!records.isEmpty() && !reader.test(records)) {
                    return;
                }
                Map<TopicPartition, Long> now = positions(consumer, unread);
                idlePolls = now.equals(before) ? idlePolls + 1 : 0;
                if (idlePolls > timeout.dividedBy(POLL)) {
                    throw new TimeoutException(
                            "Kafka delivered no records of "
                                    + unread.keySet()
                                    + " for "
                                    + timeout.toSeconds()
                                    + " s.");
                }
                before = now;
            }
        }
    }

    /// When the first committed record of each range was written. A range without one is absent.
    ///
    /// @throws TimeoutException if the broker does not respond
    public Map<TopicPartition, Instant> firstWritten(Map<TopicPartition, OffsetRange> ranges) {
        Map<TopicPartition, Instant> first = new HashMap<>();
        read(
                ranges,
                IsolationLevel.READ_COMMITTED,
                records -> {
                    for (ConsumerRecord<byte[], byte[]> each : records) {
                        first.putIfAbsent(
                                new TopicPartition(each.topic(), each.partition()),
                                Instant.ofEpochMilli(each.timestamp()));
                    }
                    return first.size() < ranges.size();
                });
        return first;
    }

    private static List<ConsumerRecord<byte[], byte[]>> poll(
            KafkaConsumer<byte[], byte[]> consumer, Map<TopicPartition, OffsetRange> unread) {
        List<ConsumerRecord<byte[], byte[]>> records = new ArrayList<>();
        for (ConsumerRecord<byte[], byte[]> record : consumer.poll(POLL)) {
            OffsetRange range = unread.get(new TopicPartition(record.topic(), record.partition()));
            if (range != null && record.offset() < range.to()) {
                records.add(record);
            }
        }
        return records;
    }

    /// The positions in the ranges that are not read to their ends; removes the other ranges.
    private Map<TopicPartition, Long> positions(
            KafkaConsumer<byte[], byte[]> consumer, Map<TopicPartition, OffsetRange> unread) {
        Map<TopicPartition, Long> positions = new HashMap<>();
        Map.copyOf(unread)
                .forEach(
                        (partition, range) -> {
                            long position = consumer.position(partition, timeout);
                            if (position >= range.to()) {
                                unread.remove(partition);
                                consumer.pause(List.of(partition));
                            } else {
                                positions.put(partition, position);
                            }
                        });
        return positions;
    }

    private List<TopicPartition> partitions(KafkaConsumer<byte[], byte[]> consumer, String topic) {
        List<PartitionInfo> found = consumer.partitionsFor(topic, timeout);
        if (found == null || found.isEmpty()) {
            throw new UnknownTopicOrPartitionException("Topic " + topic + " does not exist.");
        }
        List<TopicPartition> partitions =
                found.stream()
                        .map(info -> new TopicPartition(info.topic(), info.partition()))
                        .toList();
        consumer.assign(partitions);
        return partitions;
    }

    private static Map<Integer, Long> byNumber(Map<TopicPartition, Long> offsets) {
        Map<Integer, Long> result = new TreeMap<>();
        offsets.forEach((partition, offset) -> result.put(partition.partition(), offset));
        return result;
    }

    private KafkaConsumer<byte[], byte[]> open(IsolationLevel isolation) {
        return KafkaClients.rangeConsumer(kafka, isolation, timeout);
    }
}
