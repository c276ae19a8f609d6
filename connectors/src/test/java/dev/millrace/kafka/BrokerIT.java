package dev.millrace.kafka;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.millrace.change.Topics;
import dev.millrace.kafka.Broker.TopicSpec;
import dev.millrace.testing.KafkaServer;
import dev.millrace.testing.TestProducer;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// An existing topic is accepted only with the settings that the migration would give it.
class BrokerIT {

    private final Broker broker =
            new Broker(Map.of("bootstrap.servers", KafkaServer.shared().bootstrapServers()));
    private final TopicSpec changes = TopicPlan.of(topics(), 2).changes();

    private static Topics topics() {
        return new Topics(KafkaServer.newMigrationName());
    }

    @AfterEach
    void close() {
        broker.close();
    }

    private TopicSpec with(String setting, String value) {
        Map<String, String> config = new HashMap<>(changes.config());
        config.put(setting, value);
        return new TopicSpec(changes.name(), changes.partitions(), config);
    }

    @ParameterizedTest
    @CsvSource({
        "cleanup.policy, compact",
        "retention.ms, 604800000",
        "retention.bytes, 1000000",
        "message.timestamp.after.max.ms, 3600000",
        "message.timestamp.before.max.ms, 3600000",
        "max.message.bytes, 1048588"
    })
    void rejectsSettingsThatCouldLoseRecords(String setting, String value) {
        broker.ensure(with(setting, value));

        assertThatThrownBy(() -> broker.ensure(changes))
                .isInstanceOf(BrokerException.class)
                .hasMessageContaining(changes.name() + " has " + setting + "=" + value)
                .hasMessageContaining("Set it to " + changes.config().get(setting));
    }

    @Test
    void rejectsTopicWhoseWritesCannotSucceed() {
        TopicSpec never = with("min.insync.replicas", "2");

        for (int attempt = 0; attempt < 2; attempt++) {
            assertThatThrownBy(() -> broker.ensure(never))
                    .isInstanceOf(BrokerException.class)
                    .hasMessageContaining("has 1 replicas and min.insync.replicas=2");
        }
        assertThat(broker.defaultReplication()).isEqualTo(new Broker.Replication(1, 1));
    }

    @Test
    void acceptsTopicWithLargerRecordLimit() {
        String id = broker.ensure(with("max.message.bytes", "100000000")).id();

        assertThat(broker.ensure(changes).id()).isEqualTo(id);
    }

    /// The clock of the broker may be behind that of the service, or may have been set back.
    @ParameterizedTest
    @ValueSource(longs = {-365, 365})
    void acceptsRecordsOfAnyTime(long days) throws Exception {
        broker.ensure(changes);
        Map<String, Object> settings =
                Map.of("bootstrap.servers", KafkaServer.shared().bootstrapServers());
        try (KafkaProducer<byte[], byte[]> producer =
                new KafkaProducer<>(
                        settings, new ByteArraySerializer(), new ByteArraySerializer())) {
            long time = Instant.now().plus(Duration.ofDays(days)).toEpochMilli();

            RecordMetadata written =
                    producer.send(
                                    new ProducerRecord<>(
                                            changes.name(), 0, time, null, new byte[] {1}))
                            .get(30, TimeUnit.SECONDS);

            assertThat(written.timestamp()).isEqualTo(time);
        }
    }

    @Test
    void newTopicIsKnownAfterEnsure() {
        for (int i = 0; i < 5; i++) {
            TopicSpec next = TopicPlan.of(topics(), 8).changes();

            String id = broker.ensure(next).id();

            assertThat(broker.find(next.name()))
                    .hasValueSatisfying(found -> assertThat(found.id()).isEqualTo(id));
            assertThat(broker.ends(next.name(), 8)).hasSize(8);
        }
    }

    @Test
    void concurrentEnsureReturnsSameTopic() {
        for (int i = 0; i < 5; i++) {
            TopicSpec next = TopicPlan.of(topics(), 2).changes();

            var other = CompletableFuture.supplyAsync(() -> broker.ensure(next));

            assertThat(broker.ensure(next)).isEqualTo(other.join());
        }
    }

    @Test
    void rejectsOtherNumberOfPartitions() {
        broker.ensure(new TopicSpec(changes.name(), 3, changes.config()));

        assertThatThrownBy(() -> broker.ensure(changes)).hasMessageContaining("3 partitions");
    }

    @Test
    void findsAndDeletesOldRecords() {
        broker.ensure(changes);
        Instant now = Instant.parse("2026-01-10T00:00:00Z");
        try (TestProducer producer =
                new TestProducer(
                        Map.of("bootstrap.servers", KafkaServer.shared().bootstrapServers()))) {
            for (int partition = 0; partition < 2; partition++) {
                for (int days : partition == 0 ? new int[] {9, 8, 1} : new int[] {9, 8}) {
                    producer.send(
                            new ProducerRecord<>(
                                    changes.name(),
                                    partition,
                                    now.minus(Duration.ofDays(days)).toEpochMilli(),
                                    null,
                                    new byte[100]));
                }
            }
        }

        Map<Integer, Long> young =
                broker.firstSince(changes.name(), 2, now.minus(Duration.ofDays(7)));
        broker.deleteRecords(changes.name(), young);

        assertThat(young).isEqualTo(Map.of(0, 2L, 1, 2L));
        assertThat(broker.begins(changes.name(), 2)).isEqualTo(young);
        assertThat(broker.ends(changes.name(), 2)).isEqualTo(Map.of(0, 3L, 1, 2L));
        assertThat(broker.diskBytes(List.of(changes.name())))
                .hasEntrySatisfying(changes.name(), bytes -> assertThat(bytes).isPositive());
    }

    @Test
    void lookupDoesNotCreateTopic() {
        assertThat(broker.existing(changes)).isEmpty();
        assertThat(broker.find(changes.name())).isEmpty();
    }
}
