package dev.millrace.apply;

import dev.millrace.control.StoredOffset;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.TopicPartition;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Commits the stored offsets to Kafka every five seconds, for tools that monitor consumer groups.
/// Millrace never reads them there. Not thread-safe; confined to the consumer's thread.
final class OffsetReporter {

    private static final Logger LOG = LoggerFactory.getLogger(OffsetReporter.class);
    private static final Duration INTERVAL = Duration.ofSeconds(5);

    private final KafkaConsumer<byte[], byte[]> consumer;
    private final TargetTopic topic;
    private final InstantSource clock;
    private Instant last;

    OffsetReporter(KafkaConsumer<byte[], byte[]> consumer, TargetTopic topic, InstantSource clock) {
        this.consumer = consumer;
        this.topic = topic;
        this.clock = clock;
        this.last = clock.instant();
    }

    void report(List<PartitionProgress> partitions) {
        Instant now = clock.instant();
        if (Duration.between(last, now).abs().compareTo(INTERVAL) < 0) {
            return;
        }
        last = now;
        Map<TopicPartition, OffsetAndMetadata> offsets = new HashMap<>();
        for (PartitionProgress partition : partitions) {
            StoredOffset stored = partition.stored();
            offsets.put(
                    topic.partition(stored.partition()),
                    new OffsetAndMetadata(stored.nextOffset()));
        }
        consumer.commitAsync(
                offsets,
                (_, failure) -> {
                    if (failure != null) {
                        LOG.atDebug()
                                .setCause(failure)
                                .log("the stored offsets were not committed to Kafka");
                    }
                });
    }
}
