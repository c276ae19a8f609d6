package dev.millrace.apply;

import dev.millrace.apply.TargetApplier.ApplierFailure;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.IntStream;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.RetriableException;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/// The target topic as the broker has it.
record TargetTopic(String name, String id, int partitions) {

    private static final Duration PATIENCE = Duration.ofSeconds(5);

    /// The broker doesn't answer, or doesn't know the topic yet.
    static final class Unavailable extends Exception {
        private static final long serialVersionUID = 1;

        Unavailable(String message, Throwable cause) {
            super(message, cause);
        }
    }

    static TargetTopic describe(Map<String, Object> kafka, String name)
            throws Unavailable, InterruptedException {
        int patience = Math.toIntExact(PATIENCE.toMillis());
        Map<String, Object> config = new HashMap<>(kafka);
        config.put("default.api.timeout.ms", patience);
        config.put("request.timeout.ms", patience);
        try (Admin admin = Admin.create(config)) {
            TopicDescription topic =
                    Objects.requireNonNull(
                            admin.describeTopics(List.of(name))
                                    .allTopicNames()
                                    .get(PATIENCE.toMillis(), TimeUnit.MILLISECONDS)
                                    .get(name));
            return new TargetTopic(name, topic.topicId().toString(), topic.partitions().size());
        } catch (ExecutionException e) {
            if (e.getCause() instanceof RetriableException) {
                throw new Unavailable("Kafka does not describe topic " + name, e);
            }
            throw new ApplierFailure("topic " + name + " can't be described", e);
        } catch (TimeoutException e) {
            throw new Unavailable("Kafka does not answer at " + kafka.get("bootstrap.servers"), e);
        }
    }

    List<TopicPartition> all() {
        return IntStream.range(0, partitions).mapToObj(this::partition).toList();
    }

    TopicPartition partition(int partition) {
        return new TopicPartition(name, partition);
    }

    /// Reads what is committed, and nothing from a place it was not told.
    static KafkaConsumer<byte[], byte[]> consumer(Map<String, Object> kafka, String group) {
        Map<String, Object> config = new HashMap<>(kafka);
        config.put("group.id", group);
        config.put("enable.auto.commit", false);
        config.put("auto.offset.reset", "none");
        config.put("isolation.level", "read_committed");
        config.put("allow.auto.create.topics", false);
        config.put("max.poll.records", 5_000);
        config.put("max.partition.fetch.bytes", 4 << 20);
        config.put("reconnect.backoff.max.ms", 1_000);
        return new KafkaConsumer<>(
                config, new ByteArrayDeserializer(), new ByteArrayDeserializer());
    }
}
