package dev.millrace.apply.broker;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.change.Token;
import dev.millrace.change.WatermarkNumber;
import dev.millrace.control.StoredOffset;
import dev.millrace.kafka.Broker;
import dev.millrace.kafka.KafkaClients;
import dev.millrace.testing.KafkaServer;
import dev.millrace.testing.Waits;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;

class OffsetReporterIT {

    private Instant now = Instant.parse("2026-01-02T12:00:00Z");

    private static List<StoredOffset> stored(long nextOffset) {
        return List.of(
                new StoredOffset(
                        0, "id", nextOffset, new Token(1, 0, 0), new WatermarkNumber(1, 1), 1));
    }

    /// Another program would show a lag that is none, until the service runs again.
    @Test
    void theLastOffsetsAreCommittedAtTheEnd() {
        Map<String, Object> kafka =
                Map.of("bootstrap.servers", KafkaServer.shared().bootstrapServers());
        String topic = KafkaServer.newMigrationName() + ".target";
        try (Broker broker = new Broker(kafka);
                KafkaConsumer<byte[], byte[]> consumer = KafkaClients.groupConsumer(kafka, topic)) {
            broker.ensure(new Broker.TopicSpec(topic, 1, Map.of()));
            TopicPartition partition = new TopicPartition(topic, 0);
            consumer.assign(List.of(partition));
            consumer.seek(partition, 0);
            OffsetReporter reporter = new OffsetReporter(consumer, topic, () -> now);

            Awaitility.await()
                    .atMost(Waits.LIMIT)
                    .until(
                            () -> {
                                // The first one may not know the group's coordinator yet.
                                now = now.plusSeconds(5);
                                reporter.report(stored(7));
                                consumer.poll(Duration.ofMillis(50));
                                return broker.committedOffsets(topic, topic).equals(Map.of(0, 7L));
                            });
            now = now.plusSeconds(4);
            reporter.report(stored(8));
            consumer.poll(Duration.ofMillis(100));
            assertThat(broker.committedOffsets(topic, topic)).isEqualTo(Map.of(0, 7L));

            // As what ends the loop does.
            consumer.wakeup();
            reporter.finish(stored(9));

            assertThat(broker.committedOffsets(topic, topic)).isEqualTo(Map.of(0, 9L));
        }
    }
}
