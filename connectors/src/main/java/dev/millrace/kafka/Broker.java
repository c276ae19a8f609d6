package dev.millrace.kafka;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.Collectors;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.Config;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.CreateTopicsResult;
import org.apache.kafka.clients.admin.ListOffsetsOptions;
import org.apache.kafka.clients.admin.ListOffsetsResult.ListOffsetsResultInfo;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.admin.RecordsToDelete;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.IsolationLevel;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.Node;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.errors.TopicExistsException;
import org.apache.kafka.common.errors.UnknownTopicOrPartitionException;

/// The topics and groups of a cluster, by the admin protocol. Every call has a deadline and fails
/// by [BrokerException]. Safe for any thread.
public final class Broker implements AutoCloseable {

    private static final Duration DEADLINE = Duration.ofSeconds(20);
    private static final String REQUIRED = "min.insync.replicas";

    private final Admin admin;

    /// @param kafka client settings, at least `bootstrap.servers`
    /// @throws BrokerException when no client can be made with them
    public Broker(Map<String, Object> kafka) {
        Map<String, Object> config = new HashMap<>(kafka);
        config.put("default.api.timeout.ms", (int) DEADLINE.toMillis());
        config.put("request.timeout.ms", 10_000);
        try {
            admin = Admin.create(config);
        } catch (KafkaException e) {
            throw new BrokerException(
                    "no Kafka client can be made with these settings: " + e.getMessage(), e);
        }
    }

    /// What a topic is made with, and what is asserted of one that is there.
    public record TopicSpec(String name, int partitions, Map<String, String> config) {

        public TopicSpec {
            config = Map.copyOf(config);
        }
    }

    /// @param id given by the cluster when the topic is made: a topic made anew has another one
    public record Topic(String name, String id, int partitions) {}

    /// On how many disks a record lies.
    ///
    /// @param replicas of the partition that has the fewest
    /// @param required `min.insync.replicas`: on so many a record lies when it is acknowledged
    public record Replication(int replicas, int required) {

        /// Whether a write can be acknowledged at all.
        public boolean takesWrites() {
            return required <= replicas;
        }
    }

    /// @throws BrokerException when the topic is not there
    public Replication replication(String topic) {
        TopicDescription description =
                await(
                                admin.describeTopics(List.of(topic)).allTopicNames(),
                                "describe topic " + topic)
                        .get(topic);
        int replicas =
                description == null
                        ? 0
                        : description.partitions().stream()
                                .mapToInt(partition -> partition.replicas().size())
                                .min()
                                .orElse(0);
        return new Replication(
                replicas, setting(new ConfigResource(ConfigResource.Type.TOPIC, topic), REQUIRED));
    }

    /// What a topic gets that is made now.
    public Replication defaultReplication() {
        String broker =
                await(admin.describeCluster().nodes(), "name the brokers").stream()
                        .findFirst()
                        .map(Node::idString)
                        .orElseThrow(() -> new BrokerException("Kafka names no broker"));
        ConfigResource resource = new ConfigResource(ConfigResource.Type.BROKER, broker);
        return new Replication(
                setting(resource, "default.replication.factor"), setting(resource, REQUIRED));
    }

    private int setting(ConfigResource resource, String name) {
        Config config =
                await(
                                admin.describeConfigs(List.of(resource)).all(),
                                "read the settings of " + resource.name())
                        .get(resource);
        ConfigEntry entry = config == null ? null : config.get(name);
        String value = entry == null ? null : entry.value();
        if (value == null) {
            throw new BrokerException("Kafka does not tell " + name + " of " + resource.name());
        }
        return Integer.parseInt(value);
    }

    /// Whether a partition of the topic holds records.
    public boolean holdsRecords(Topic topic) {
        return !begins(topic.name(), topic.partitions())
                .equals(ends(topic.name(), topic.partitions()));
    }

    /// The topic as it is, made if it is missing. When this returns, every partition has a leader.
    ///
    /// @throws BrokerException when it is there and isn't as the specification says
    public Topic ensure(TopicSpec spec) {
        return existing(spec).or(() -> made(spec)).orElseGet(() -> madeByAnother(spec));
    }

    private Optional<Topic> made(TopicSpec spec) {
        Optional<Topic> made = make(spec);
        made.ifPresent(topic -> requireWritable(topic.name()));
        return made;
    }

    private void requireWritable(String topic) {
        Replication replication = replication(topic);
        if (!replication.takesWrites()) {
            throw new BrokerException(
                    "topic "
                            + topic
                            + " has "
                            + replication.replicas()
                            + " replicas and min.insync.replicas="
                            + replication.required()
                            + ", so no write to it can succeed: add replicas or lower the setting");
        }
    }

    /// A topic is made before every broker has heard of it, so one that was asked may have denied
    /// it.
    private Topic madeByAnother(TopicSpec spec) {
        awaitLeaders(spec.name(), 1);
        return existing(spec)
                .orElseThrow(
                        () ->
                                new BrokerException(
                                        "topic "
                                                + spec.name()
                                                + " was made a moment ago and not every broker knows it: try again"));
    }

    /// The topic if it is there.
    ///
    /// @throws BrokerException when it has another number of partitions, between which keys would
    ///   move, or settings by which records could go unread
    public Optional<Topic> existing(TopicSpec spec) {
        Optional<Topic> topic = find(spec.name());
        topic.ifPresent(found -> requireAsSpecified(found, spec));
        return topic;
    }

    private void requireAsSpecified(Topic topic, TopicSpec spec) {
        requireWritable(topic.name());
        if (topic.partitions() != spec.partitions()) {
            throw new BrokerException(
                    "topic "
                            + spec.name()
                            + " has "
                            + topic.partitions()
                            + " partitions, the migration was declared with "
                            + spec.partitions()
                            + ": the number is fixed when the topics are made");
        }
        ConfigResource resource = new ConfigResource(ConfigResource.Type.TOPIC, spec.name());
        Config config =
                await(
                                admin.describeConfigs(List.of(resource)).all(),
                                "read the settings of topic " + spec.name())
                        .get(resource);
        new TreeMap<>(spec.config())
                .forEach(
                        (name, wanted) -> {
                            ConfigEntry entry = config == null ? null : config.get(name);
                            String found = entry == null ? "unknown" : entry.value();
                            if (!suffices(name, found, wanted)) {
                                throw new BrokerException(
                                        "topic "
                                                + spec.name()
                                                + " has "
                                                + name
                                                + "="
                                                + found
                                                + ", which could lose records: set it to "
                                                + wanted);
                            }
                        });
    }

    private static boolean suffices(String setting, String found, String wanted) {
        return setting.equals("max.message.bytes")
                ? found.matches("\\d{1,18}") && Long.parseLong(found) >= Long.parseLong(wanted)
                : found.equals(wanted);
    }

    /// @return empty when it is there already
    private Optional<Topic> make(TopicSpec spec) {
        NewTopic topic =
                new NewTopic(spec.name(), Optional.of(spec.partitions()), Optional.empty());
        CreateTopicsResult made = admin.createTopics(List.of(topic.configs(spec.config())));
        String what = "make topic " + spec.name();
        try {
            Topic found =
                    new Topic(
                            spec.name(),
                            await(made.topicId(spec.name()), what).toString(),
                            await(made.numPartitions(spec.name()), what));
            awaitLeaders(spec.name(), spec.partitions());
            return Optional.of(found);
        } catch (BrokerException e) {
            if (e.getCause() instanceof TopicExistsException) {
                return Optional.empty();
            }
            throw e;
        }
    }

    /// The client repeats this question, unlike others, for as long as a topic is unknown or has no
    /// leader.
    private void awaitLeaders(String topic, int partitions) {
        await(
                admin.describeProducers(partitions(topic, partitions)).all(),
                "find the leaders of topic " + topic);
    }

    public Optional<Topic> find(String name) {
        try {
            TopicDescription description =
                    await(
                                    admin.describeTopics(List.of(name)).allTopicNames(),
                                    "describe topic " + name)
                            .get(name);
            return Optional.ofNullable(description)
                    .map(
                            found ->
                                    new Topic(
                                            name,
                                            found.topicId().toString(),
                                            found.partitions().size()));
        } catch (BrokerException e) {
            if (e.getCause() instanceof UnknownTopicOrPartitionException) {
                return Optional.empty();
            }
            throw e;
        }
    }

    /// The offset behind the last committed record, per partition.
    public Map<Integer, Long> ends(String topic, int partitions) {
        return offsets(topic, partitions, OffsetSpec.latest());
    }

    public Map<Integer, Long> begins(String topic, int partitions) {
        return offsets(topic, partitions, OffsetSpec.earliest());
    }

    /// Deletes every record there is. Offsets go on rising, so no old one is ever taken for a new
    /// one.
    public void empty(String topic, int partitions) {
        Map<TopicPartition, RecordsToDelete> all = new HashMap<>();
        for (TopicPartition partition : partitions(topic, partitions)) {
            all.put(partition, RecordsToDelete.beforeOffset(-1));
        }
        await(admin.deleteRecords(all).all(), "empty topic " + topic);
    }

    /// Sets where a group goes on; the group must have no running member.
    public void place(String group, String topic, Map<Integer, Long> offsets) {
        Map<TopicPartition, OffsetAndMetadata> all = new HashMap<>();
        offsets.forEach(
                (partition, offset) ->
                        all.put(
                                new TopicPartition(topic, partition),
                                new OffsetAndMetadata(offset)));
        await(admin.alterConsumerGroupOffsets(group, all).all(), "place group " + group);
    }

    /// Where a group goes on; partitions without a committed offset are absent.
    public Map<Integer, Long> placed(String group, String topic) {
        Map<Integer, Long> offsets = new HashMap<>();
        await(
                        admin.listConsumerGroupOffsets(group).partitionsToOffsetAndMetadata(),
                        "read group " + group)
                .forEach(
                        (partition, offset) -> {
                            if (partition.topic().equals(topic) && offset != null) {
                                offsets.put(partition.partition(), offset.offset());
                            }
                        });
        return offsets;
    }

    public void delete(Collection<String> topics) {
        List<String> present = new ArrayList<>();
        topics.forEach(topic -> find(topic).ifPresent(found -> present.add(found.name())));
        await(admin.deleteTopics(present).all(), "delete topics " + present);
    }

    @Override
    public void close() {
        admin.close(Duration.ofSeconds(5));
    }

    private Map<Integer, Long> offsets(String topic, int partitions, OffsetSpec which) {
        Map<TopicPartition, OffsetSpec> request =
                partitions(topic, partitions).stream()
                        .collect(Collectors.toMap(p -> p, _ -> which));
        Map<TopicPartition, ListOffsetsResultInfo> answer =
                await(
                        admin.listOffsets(
                                        request,
                                        new ListOffsetsOptions(IsolationLevel.READ_COMMITTED))
                                .all(),
                        "read the offsets of " + topic);
        Map<Integer, Long> offsets = new HashMap<>();
        answer.forEach((partition, info) -> offsets.put(partition.partition(), info.offset()));
        return offsets;
    }

    private static List<TopicPartition> partitions(String topic, int count) {
        List<TopicPartition> partitions = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            partitions.add(new TopicPartition(topic, i));
        }
        return partitions;
    }

    private static <T> T await(Future<T> answer, String what) {
        try {
            return answer.get(DEADLINE.toMillis(), TimeUnit.MILLISECONDS);
        } catch (ExecutionException e) {
            Throwable cause = e.getCause() == null ? e : e.getCause();
            throw new BrokerException("Kafka could not " + what + ": " + cause.getMessage(), cause);
        } catch (TimeoutException e) {
            throw new BrokerException("Kafka did not answer in time: " + what, e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new BrokerException("interrupted: " + what, e);
        }
    }
}
