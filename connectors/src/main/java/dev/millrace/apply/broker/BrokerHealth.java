package dev.millrace.apply.broker;

import dev.millrace.lifecycle.ComponentState;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Map;
import java.util.Optional;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.Metric;
import org.jspecify.annotations.Nullable;

/// Detects a broker that does not answer. The broker answers a consumer that may read several times
/// a second, also without records, so a consumer that receives no byte for long has no broker. The
/// consumer itself retries forever and does not report it. Confined to the consumer's thread,
/// except [#trouble].
public final class BrokerHealth {

    private static final Duration SILENCE = Duration.ofSeconds(5);

    private final KafkaConsumer<?, ?> consumer;
    private final InstantSource clock;
    private final Metric received;
    private double bytes = -1;
    private Instant lastAnswer;
    private volatile ComponentState.@Nullable Waiting trouble;

    public BrokerHealth(KafkaConsumer<?, ?> consumer, InstantSource clock) {
        this.consumer = consumer;
        this.clock = clock;
        this.lastAnswer = clock.instant();
        this.received = receivedBytes(consumer);
    }

    /// Called after each poll.
    public void check() {
        Instant now = clock.instant();
        double read = bytesRead();
        if (read != bytes || consumer.paused().containsAll(consumer.assignment())) {
            bytes = read;
            lastAnswer = now;
            trouble = null;
        } else if (Duration.between(lastAnswer, now).compareTo(SILENCE) > 0 && trouble == null) {
            trouble = new ComponentState.Waiting("Kafka does not answer", lastAnswer);
        }
    }

    public Optional<ComponentState.Waiting> trouble() {
        return Optional.ofNullable(trouble);
    }

    private double bytesRead() {
        return received.metricValue() instanceof Number number ? number.doubleValue() : -1;
    }

    /// A search among all metrics of the consumer would cost more than the rest of a poll.
    private static Metric receivedBytes(KafkaConsumer<?, ?> consumer) {
        return consumer.metrics().entrySet().stream()
                .filter(
                        metric ->
                                metric.getKey().name().equals("incoming-byte-total")
                                        && metric.getKey().group().equals("consumer-metrics"))
                .map(Map.Entry::getValue)
                .findFirst()
                .orElseThrow(
                        () ->
                                new IllegalStateException(
                                        "the consumer has no metric incoming-byte-total"));
    }
}
