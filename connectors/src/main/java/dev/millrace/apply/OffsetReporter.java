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

/// Commits the stored offsets to Kafka now and then, for tools that watch consumer groups. Nothing
/// is ever read from there. For the consumer's thread.
final class OffsetReporter {

    private static final Logger LOG = LoggerFactory.getLogger(OffsetReporter.class);
    private static final Duration EVERY = Duration.ofSeconds(5);

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

    void show(List<Lane> lanes) {
        Instant now = clock.instant();
        if (Duration.between(last, now).abs().compareTo(EVERY) < 0) {
            return;
        }
        last = now;
        Map<TopicPartition, OffsetAndMetadata> offsets = new HashMap<>();
        for (Lane lane : lanes) {
            StoredOffset stored = lane.queue().stored();
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
                                .log("stored offsets were not shown to Kafka");
                    }
                });
    }
}
