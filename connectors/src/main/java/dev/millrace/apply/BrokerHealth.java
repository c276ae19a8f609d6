package dev.millrace.apply;

import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Optional;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.Metric;
import org.jspecify.annotations.Nullable;

/// Whether the broker still answers. A consumer that may read is answered several times a second,
/// with nothing if need be; when no byte comes for long, nobody is there. The consumer itself tries
/// again for ever and says so to nobody. [#trouble] may be called by any thread.
final class BrokerHealth {

    private static final Duration SILENCE = Duration.ofSeconds(5);

    private final KafkaConsumer<?, ?> consumer;
    private final InstantSource clock;
    private double bytes = -1;
    private Instant heard;
    private volatile ApplierState.@Nullable Waiting trouble;

    BrokerHealth(KafkaConsumer<?, ?> consumer, InstantSource clock) {
        this.consumer = consumer;
        this.clock = clock;
        this.heard = clock.instant();
    }

    /// From the consumer's thread, behind each poll.
    void feel() {
        Instant now = clock.instant();
        double read = bytesRead();
        if (read != bytes || consumer.paused().containsAll(consumer.assignment())) {
            bytes = read;
            heard = now;
            trouble = null;
        } else if (Duration.between(heard, now).compareTo(SILENCE) > 0 && trouble == null) {
            trouble = new ApplierState.Waiting("Kafka does not answer", heard);
        }
    }

    Optional<ApplierState.Waiting> trouble() {
        return Optional.ofNullable(trouble);
    }

    private double bytesRead() {
        for (var metric : consumer.metrics().entrySet()) {
            if (metric.getKey().name().equals("incoming-byte-total")
                    && metric.getKey().group().equals("consumer-metrics")) {
                Metric value = metric.getValue();
                return value.metricValue() instanceof Number number ? number.doubleValue() : -1;
            }
        }
        throw new IllegalStateException("the consumer has no metric incoming-byte-total");
    }
}
