package dev.millrace.kafka;

import dev.millrace.kafka.ChangeLog.LogUnreadable;
import dev.millrace.kafka.ChangeLog.Logged;
import dev.millrace.kafka.ChangeLog.OffsetRange;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.function.Predicate;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;

/// One pass over ranges of one topic. It ends when every position has reached its range's end or
/// the reader wants no more, and fails when polling brings neither a record nor a step for too
/// long. One thread, used once.
final class RangeScan<T> {

    private static final Duration POLL = Duration.ofMillis(500);

    /// Half a minute without a step: Kafka is gone, or the range's end is behind an open
    /// transaction.
    private static final int SILENT_POLLS = 60;

    private final KafkaConsumer<byte[], byte[]> consumer;
    private final String topic;
    private final Function<byte[], T> decoder;
    private final Map<TopicPartition, Long> ends = new HashMap<>();

    RangeScan(
            KafkaConsumer<byte[], byte[]> consumer,
            String topic,
            Map<Integer, OffsetRange> ranges,
            Function<byte[], T> decoder) {
        this.consumer = consumer;
        this.topic = topic;
        this.decoder = decoder;
        Map<TopicPartition, Long> starts = new HashMap<>();
        ranges.forEach(
                (partition, range) -> {
                    if (!range.isEmpty()) {
                        starts.put(new TopicPartition(topic, partition), range.from());
                        ends.put(new TopicPartition(topic, partition), range.to());
                    }
                });
        consumer.assign(starts.keySet());
        starts.forEach(consumer::seek);
    }

    /// @param reader false when it wants no more
    void run(Predicate<List<Logged<T>>> reader) {
        int silent = 0;
        Map<TopicPartition, Long> before = dropFinished();
        while (!ends.isEmpty()) {
            List<Logged<T>> read = new ArrayList<>();
            for (ConsumerRecord<byte[], byte[]> record : consumer.poll(POLL)) {
                Long end = ends.get(new TopicPartition(topic, record.partition()));
                if (end != null && record.offset() < end) {
                    T content = decoder.apply(record.value());
                    read.add(new Logged<>(record.partition(), record.offset(), content));
                }
            }
            if (!read.isEmpty() && !reader.test(read)) {
                return;
            }
            Map<TopicPartition, Long> now = dropFinished();
            silent = now.equals(before) ? silent + 1 : 0;
            if (silent == SILENT_POLLS) {
                throw new LogUnreadable("the topic " + topic + " brings nothing more");
            }
            before = now;
        }
    }

    private Map<TopicPartition, Long> dropFinished() {
        Map<TopicPartition, Long> positions = new HashMap<>();
        Map.copyOf(ends)
                .forEach(
                        (partition, end) -> {
                            long position = consumer.position(partition);
                            if (position >= end) {
                                ends.remove(partition);
                                consumer.pause(List.of(partition));
                            } else {
                                positions.put(partition, position);
                            }
                        });
        return positions;
    }
}
