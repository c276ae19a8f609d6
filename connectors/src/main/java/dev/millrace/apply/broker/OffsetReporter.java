package dev.millrace.apply.broker;

import dev.millrace.control.StoredOffset;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.WakeupException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Commits the stored offsets to Kafka at the start, every five seconds and at the end, for tools
/// that monitor consumer groups. Millrace never reads them there. Not thread-safe; confined to the
/// consumer's thread.
public final class OffsetReporter {

    private static final Logger LOG = LoggerFactory.getLogger(OffsetReporter.class);
    private static final Duration INTERVAL = Duration.ofSeconds(5);
    private static final Duration PATIENCE = Duration.ofSeconds(1);

    private final KafkaConsumer<byte[], byte[]> consumer;
    private final String topic;
    private final InstantSource clock;
    private Instant last = Instant.EPOCH;

    public OffsetReporter(
            KafkaConsumer<byte[], byte[]> consumer, String topic, InstantSource clock) {
        this.consumer = consumer;
        this.topic = topic;
        this.clock = clock;
    }

    /// Commits them if the last time is long enough ago.
    public void report(List<StoredOffset> offsets) {
        Instant now = clock.instant();
        if (Duration.between(last, now).abs().compareTo(INTERVAL) < 0) {
            return;
        }
        last = now;
        consumer.commitAsync(
                committed(offsets),
                (_, failure) -> {
                    if (failure != null) {
                        notCommitted(failure);
                    }
                });
    }

    /// Commits them now: they are the last ones.
    public void finish(List<StoredOffset> offsets) {
        try {
            commitNow(offsets);
        } catch (WakeupException _) {
            // What ended the loop has interrupted this call too.
            try {
                commitNow(offsets);
            } catch (KafkaException e) {
                notCommitted(e);
            }
        } catch (KafkaException e) {
            notCommitted(e);
        }
    }

    private void commitNow(List<StoredOffset> offsets) {
        consumer.commitSync(committed(offsets), PATIENCE);
    }

    private Map<TopicPartition, OffsetAndMetadata> committed(List<StoredOffset> offsets) {
        Map<TopicPartition, OffsetAndMetadata> next = new HashMap<>();
        for (StoredOffset each : offsets) {
            next.put(
                    new TopicPartition(topic, each.partition()),
                    new OffsetAndMetadata(each.nextOffset()));
        }
        return next;
    }

    private static void notCommitted(Exception failure) {
        LOG.atDebug().setCause(failure).log("the stored offsets were not committed to Kafka");
    }
}
