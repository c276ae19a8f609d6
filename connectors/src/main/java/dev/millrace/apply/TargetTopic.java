package dev.millrace.apply;

import dev.millrace.apply.TargetApplier.ApplierFailure;
import dev.millrace.kafka.KafkaClients;
import java.time.Duration;
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

/// A target topic: what an applier reads. A value; a migration may have several.
///
/// @param hasTokens whether each record has a [dev.millrace.change.Token], by which a record that
///   was sent twice is dropped. Without tokens the topic's producer writes each record exactly once
public record TargetTopic(String name, int partitions, boolean hasTokens) {

    private static final Duration TIMEOUT = Duration.ofSeconds(5);

    public TargetTopic {
        if (partitions < 1) {
            throw new IllegalArgumentException("Topic " + name + " must have a partition.");
        }
    }

    /// The topic as the broker has it.
    record Description(String id, int partitions) {}

    /// The broker does not answer, or does not have the topic yet.
    static final class Unavailable extends Exception {
        private static final long serialVersionUID = 1;

        Unavailable(String message, Throwable cause) {
            super(message, cause);
        }
    }

    Description describe(Map<String, Object> kafka) throws Unavailable, InterruptedException {
        try (Admin admin = KafkaClients.admin(kafka, TIMEOUT)) {
            TopicDescription topic =
                    Objects.requireNonNull(
                            admin.describeTopics(List.of(name))
                                    .allTopicNames()
                                    .get(TIMEOUT.toMillis(), TimeUnit.MILLISECONDS)
                                    .get(name));
            return new Description(topic.topicId().toString(), topic.partitions().size());
        } catch (ExecutionException e) {
            if (e.getCause() instanceof RetriableException) {
                throw new Unavailable("Kafka does not describe topic " + name, e);
            }
            throw new ApplierFailure("Topic " + name + " cannot be described.", e);
        } catch (TimeoutException e) {
            throw new Unavailable("Kafka does not answer at " + kafka.get("bootstrap.servers"), e);
        }
    }

    List<TopicPartition> allPartitions() {
        return IntStream.range(0, partitions).mapToObj(this::partition).toList();
    }

    TopicPartition partition(int partition) {
        return new TopicPartition(name, partition);
    }

    /// A consumer that reads committed records only, and only from explicit offsets.
    static KafkaConsumer<byte[], byte[]> consumer(Map<String, Object> kafka, String group) {
        return KafkaClients.groupConsumer(kafka, group);
    }
}
