package dev.millrace.kafka.access;

import dev.millrace.change.Topics;
import dev.millrace.kafka.Broker.TopicSpec;
import dev.millrace.kafka.BrokerException;
import dev.millrace.kafka.KafkaClients;
import dev.millrace.kafka.TopicPlan;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.Collectors;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.CreateTopicsOptions;
import org.apache.kafka.clients.admin.DescribeClusterOptions;
import org.apache.kafka.clients.admin.DescribeTopicsOptions;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.KafkaFuture;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.acl.AclOperation;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.errors.AuthorizationException;
import org.apache.kafka.common.errors.GroupAuthorizationException;
import org.apache.kafka.common.errors.TopicAuthorizationException;
import org.apache.kafka.common.errors.UnknownTopicOrPartitionException;
import org.jspecify.annotations.Nullable;

/// Asks a cluster what its user may do with the topics, groups and transactional ids of a stream.
/// Creates and changes nothing, so WRITE and DELETE are known only of topics that exist. Confined
/// to one thread.
public final class StreamAccess implements AutoCloseable {

    private static final Duration TIMEOUT = Duration.ofSeconds(20);

    private static final Set<AclOperation> OF_TOPIC =
            EnumSet.of(
                    AclOperation.DESCRIBE,
                    AclOperation.DESCRIBE_CONFIGS,
                    AclOperation.READ,
                    AclOperation.WRITE,
                    AclOperation.DELETE);

    private final Admin admin;

    /// @param kafka client settings, at least `bootstrap.servers`
    public StreamAccess(Map<String, Object> kafka) {
        admin = KafkaClients.admin(kafka, TIMEOUT);
    }

    /// Something that the user may not do.
    ///
    /// @param resource as `kafka-acls.sh` selects it
    /// @param name of the topic, group or transactional id; empty for the cluster
    public record Lacking(String resource, String name, Set<AclOperation> operations) {

        private static Lacking of(String resource, String name, AclOperation... operations) {
            return new Lacking(resource, name, Set.of(operations));
        }

        @Override
        public String toString() {
            return operations.stream()
                            .map(AclOperation::name)
                            .sorted()
                            .collect(Collectors.joining(", "))
                    + " of "
                    + resource
                    + " "
                    + name;
        }
    }

    /// What a stream needs and the user may not do.
    ///
    /// @throws BrokerException if the cluster does not answer
    public List<Lacking> lacking(Topics topics, TopicPlan plan) {
        List<Lacking> lacking = new ArrayList<>();
        for (TopicSpec topic : plan.all()) {
            ofTopic(topic, topics.applierGroup()).ifPresent(lacking::add);
        }
        String id = topics.captureTransactionalId();
        if (isForbidden(admin.describeTransactions(List.of(id)).description(id))) {
            lacking.add(Lacking.of("transactional-id", id, AclOperation.WRITE));
        }
        ofGroup(topics.applierGroup(), topics.prefix() + "none").ifPresent(lacking::add);
        return lacking;
    }

    /// @param noTopic the name of a topic that does not exist
    private Optional<Lacking> ofGroup(String group, String noTopic) {
        Set<AclOperation> missing = EnumSet.noneOf(AclOperation.class);
        if (failure(storedOffset(group, noTopic)) instanceof GroupAuthorizationException) {
            missing.add(AclOperation.READ);
        }
        TopicPartition partition = new TopicPartition(noTopic, 0);
        if (failure(
                        admin.deleteConsumerGroupOffsets(group, Set.of(partition))
                                .partitionResult(partition))
                instanceof GroupAuthorizationException) {
            missing.add(AclOperation.DELETE);
        }
        return missing.isEmpty()
                ? Optional.empty()
                : Optional.of(new Lacking("group", group, missing));
    }

    /// Stores nothing, because there is no such topic: the cluster first checks that the user has
    /// READ on the group, then on the topic, then that the topic exists.
    private KafkaFuture<Void> storedOffset(String group, String noTopic) {
        TopicPartition partition = new TopicPartition(noTopic, 0);
        return admin.alterConsumerGroupOffsets(group, Map.of(partition, new OffsetAndMetadata(0)))
                .partitionResult(partition);
    }

    /// What the user may not do with the cluster, although plan and status show it.
    public Set<AclOperation> lackingOfCluster() {
        Set<AclOperation> wanted = EnumSet.of(AclOperation.DESCRIBE, AclOperation.DESCRIBE_CONFIGS);
        KafkaFuture<Set<AclOperation>> allowed =
                admin.describeCluster(
                                new DescribeClusterOptions().includeAuthorizedOperations(true))
                        .authorizedOperations();
        if (failure(allowed) == null) {
            wanted.removeAll(allowed.resultNow());
        }
        return wanted;
    }

    private Optional<Lacking> ofTopic(TopicSpec topic, String group) {
        KafkaFuture<TopicDescription> described =
                Objects.requireNonNull(
                        admin.describeTopics(
                                        List.of(topic.name()),
                                        new DescribeTopicsOptions()
                                                .includeAuthorizedOperations(true))
                                .topicNameValues()
                                .get(topic.name()));
        Throwable failure = failure(described);
        Set<AclOperation> missing = EnumSet.noneOf(AclOperation.class);
        if (failure == null) {
            missing.addAll(OF_TOPIC);
            missing.removeAll(described.resultNow().authorizedOperations());
        } else if (failure instanceof AuthorizationException) {
            missing.addAll(OF_TOPIC);
            missing.add(AclOperation.CREATE);
        } else if (failure instanceof UnknownTopicOrPartitionException) {
            missing.addAll(ofMissingTopic(topic, group));
        } else {
            throw unanswered(failure);
        }
        return missing.isEmpty()
                ? Optional.empty()
                : Optional.of(new Lacking("topic", topic.name(), missing));
    }

    private Set<AclOperation> ofMissingTopic(TopicSpec topic, String group) {
        Set<AclOperation> missing = EnumSet.noneOf(AclOperation.class);
        NewTopic created =
                new NewTopic(topic.name(), Optional.of(topic.partitions()), Optional.empty())
                        .configs(topic.config());
        if (isForbidden(
                admin.createTopics(List.of(created), new CreateTopicsOptions().validateOnly(true))
                        .all())) {
            missing.add(AclOperation.CREATE);
        }
        if (isForbidden(
                admin.describeConfigs(
                                List.of(
                                        new ConfigResource(
                                                ConfigResource.Type.TOPIC, topic.name())))
                        .all())) {
            missing.add(AclOperation.DESCRIBE_CONFIGS);
        }
        if (failure(storedOffset(group, topic.name())) instanceof TopicAuthorizationException) {
            missing.add(AclOperation.READ);
        }
        return missing;
    }

    private static boolean isForbidden(KafkaFuture<?> answer) {
        return failure(answer) instanceof AuthorizationException;
    }

    private static @Nullable Throwable failure(KafkaFuture<?> answer) {
        try {
            answer.get(TIMEOUT.toMillis(), TimeUnit.MILLISECONDS);
            return null;
        } catch (ExecutionException e) {
            return e.getCause();
        } catch (TimeoutException e) {
            throw unanswered(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw unanswered(e);
        }
    }

    private static BrokerException unanswered(Throwable cause) {
        return new BrokerException(
                "Kafka cannot say what the user may do: " + cause.getClass().getSimpleName(),
                cause);
    }

    @Override
    public void close() {
        admin.close(Duration.ofSeconds(5));
    }
}
