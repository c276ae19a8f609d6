package dev.millrace.kafka;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.Collectors;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.Config;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.CreateTopicsOptions;
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
import org.apache.kafka.common.errors.ApiException;
import org.apache.kafka.common.errors.RetriableException;
import org.apache.kafka.common.errors.TopicExistsException;
import org.apache.kafka.common.errors.UnknownTopicOrPartitionException;

/// Administers the topics and consumer groups of a Kafka cluster. Every call has a timeout and
/// throws [BrokerException] if it fails. Thread-safe.
public final class Broker implements AutoCloseable {

    private static final Duration TIMEOUT = Duration.ofSeconds(20);
    private static final String MIN_INSYNC_REPLICAS = "min.insync.replicas";

    private final Admin admin;

    /// @param kafka client settings, at least `bootstrap.servers`
    /// @throws BrokerException if the settings are not valid
    public Broker(Map<String, Object> kafka) {
        admin = admin(kafka);
    }

    static Admin admin(Map<String, Object> kafka) {
        try {
            return KafkaClients.admin(kafka, TIMEOUT);
        } catch (KafkaException e) {
            throw new BrokerException(
                    "Cannot create a Kafka client with these settings: " + e.getMessage(), e);
        }
    }

    /// The settings with which a topic is created, and which an existing topic must have.
    public record TopicSpec(String name, int partitions, Map<String, String> config) {

        public TopicSpec {
            config = Map.copyOf(config);
        }
    }

    /// @param id assigned by the cluster; a topic that is deleted and created again has another id
    public record Topic(String name, String id, int partitions) {}

    /// The number of copies of a record.
    ///
    /// @param replicas the smallest number of replicas of a partition
    /// @param required `min.insync.replicas`: the number of replicas that have a record when it is
    ///   acknowledged
    public record Replication(int replicas, int required) {

        /// Whether a write can be acknowledged at all.
        public boolean acceptsWrites() {
            return required <= replicas;
        }
    }

    /// @throws BrokerException if the cluster does not answer
    public void requireAnswer() {
        await(admin.describeCluster().clusterId(), "answer");
    }

    /// @throws BrokerException if the topic does not exist
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
                replicas,
                setting(new ConfigResource(ConfigResource.Type.TOPIC, topic), MIN_INSYNC_REPLICAS));
    }

    /// The replication of a topic that is created without explicit settings.
    public Replication defaultReplication() {
        String broker =
                await(admin.describeCluster().nodes(), "list the brokers").stream()
                        .findFirst()
                        .map(Node::idString)
                        .orElseThrow(() -> new BrokerException("Kafka lists no broker."));
        ConfigResource resource = new ConfigResource(ConfigResource.Type.BROKER, broker);
        return new Replication(
                setting(resource, "default.replication.factor"),
                setting(resource, MIN_INSYNC_REPLICAS));
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
            throw new BrokerException(
                    "Kafka does not report " + name + " of " + resource.name() + ".");
        }
        return Integer.parseInt(value);
    }

    /// Whether the topic contains records.
    public boolean hasRecords(Topic topic) {
        return !begins(topic.name(), topic.partitions())
                .equals(ends(topic.name(), topic.partitions()));
    }

    /// Creates the topic if it does not exist. On return every partition has a leader.
    ///
    /// @throws BrokerException if the topic exists and does not match the specification
    public Topic ensure(TopicSpec spec) {
        return existing(spec).or(() -> created(spec)).orElseGet(() -> createdConcurrently(spec));
    }

    private Optional<Topic> created(TopicSpec spec) {
        Optional<Topic> created = create(spec);
        created.ifPresent(topic -> requireWritable(topic.name()));
        return created;
    }

    private void requireWritable(String topic) {
        Replication replication = replication(topic);
        if (!replication.acceptsWrites()) {
            throw new BrokerException(
                    "Topic "
                            + topic
                            + " has "
                            + replication.replicas()
                            + " replicas and min.insync.replicas="
                            + replication.required()
                            + ", so every write fails. Add replicas, or lower the setting.");
        }
    }

    /// A new topic exists before every broker knows it, so a broker may have denied its existence.
    private Topic createdConcurrently(TopicSpec spec) {
        awaitLeaders(spec.name(), 1);
        return existing(spec)
                .orElseThrow(
                        () ->
                                new BrokerException(
                                        "Topic "
                                                + spec.name()
                                                + " was just created, and not every broker knows it yet. Try again."));
    }

    /// The topic, if it exists.
    ///
    /// @throws BrokerException if it has another number of partitions, which would move keys
    ///   between partitions, or settings that could delete unread records
    public Optional<Topic> existing(TopicSpec spec) {
        Optional<Topic> topic = find(spec.name());
        topic.ifPresent(found -> requireAsSpecified(found, spec));
        return topic;
    }

    private void requireAsSpecified(Topic topic, TopicSpec spec) {
        requireWritable(topic.name());
        if (topic.partitions() != spec.partitions()) {
            throw new BrokerException(
                    "Topic "
                            + spec.name()
                            + " has "
                            + topic.partitions()
                            + " partitions, but the migration declares "
                            + spec.partitions()
                            + ". Set kafka.partitions to "
                            + topic.partitions()
                            + ": the number is fixed once the topics exist.");
        }
        insufficient(spec)
                .forEach(
                        (name, found) -> {
                            throw new BrokerException(
                                    "Topic "
                                            + spec.name()
                                            + " has "
                                            + name
                                            + "="
                                            + found
                                            + ", so records could be lost or refused. Set it to "
                                            + spec.config().get(name)
                                            + ".");
                        });
    }

    /// The settings of an existing topic that could lose or refuse records, by name, with their
    /// values.
    public SortedMap<String, String> insufficient(TopicSpec spec) {
        ConfigResource resource = new ConfigResource(ConfigResource.Type.TOPIC, spec.name());
        Config config =
                await(
                                admin.describeConfigs(List.of(resource)).all(),
                                "read the settings of topic " + spec.name())
                        .get(resource);
        SortedMap<String, String> insufficient = new TreeMap<>();
        spec.config()
                .forEach(
                        (name, wanted) -> {
                            ConfigEntry entry = config == null ? null : config.get(name);
                            String found = entry == null ? "unknown" : entry.value();
                            if (!isSufficient(name, found, wanted)) {
                                insufficient.put(name, found);
                            }
                        });
        return insufficient;
    }

    private static boolean isSufficient(String setting, String found, String wanted) {
        return switch (setting) {
            case "max.message.bytes" ->
                    found.matches("\\d{1,18}") && Long.parseLong(found) >= Long.parseLong(wanted);
            // Decides when disk space is freed and what a start reads, not which records exist.
            case "segment.bytes" -> true;
            default -> found.equals(wanted);
        };
    }

    /// Why the cluster would refuse to create the topic; empty if it would not. Creates nothing.
    ///
    /// @throws BrokerException if the cluster does not answer
    public Optional<String> refusal(TopicSpec spec) {
        NewTopic topic =
                new NewTopic(spec.name(), Optional.of(spec.partitions()), Optional.empty());
        try {
            await(
                    admin.createTopics(
                                    List.of(topic.configs(spec.config())),
                                    new CreateTopicsOptions().validateOnly(true))
                            .all(),
                    "check whether topic " + spec.name() + " can be created");
            return Optional.empty();
        } catch (BrokerException e) {
            if (e.getCause() instanceof ApiException refused
                    && !(refused instanceof RetriableException)) {
                return Optional.of(String.valueOf(refused.getMessage()));
            }
            throw e;
        }
    }

    /// @return empty if it already exists
    private Optional<Topic> create(TopicSpec spec) {
        NewTopic topic =
                new NewTopic(spec.name(), Optional.of(spec.partitions()), Optional.empty());
        CreateTopicsResult result = admin.createTopics(List.of(topic.configs(spec.config())));
        String what = "create topic " + spec.name();
        try {
            Topic found =
                    new Topic(
                            spec.name(),
                            await(result.topicId(spec.name()), what).toString(),
                            await(result.numPartitions(spec.name()), what));
            awaitLeaders(spec.name(), spec.partitions());
            return Optional.of(found);
        } catch (BrokerException e) {
            if (e.getCause() instanceof TopicExistsException) {
                return Optional.empty();
            }
            throw e;
        }
    }

    /// The client retries this request, unlike others, while a topic is unknown or has no leader.
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

    /// The offset after the last committed record of each partition.
    public Map<Integer, Long> ends(String topic, int partitions) {
        return offsets(topic, partitions, OffsetSpec.latest());
    }

    public Map<Integer, Long> begins(String topic, int partitions) {
        return offsets(topic, partitions, OffsetSpec.earliest());
    }

    /// Deletes all records. Offsets keep increasing, so no old offset is ever used again.
    public void deleteRecords(String topic, int partitions) {
        Map<TopicPartition, RecordsToDelete> all = new HashMap<>();
        for (TopicPartition partition : partitions(topic, partitions)) {
            all.put(partition, RecordsToDelete.beforeOffset(-1));
        }
        await(admin.deleteRecords(all).all(), "delete the records of topic " + topic);
    }

    /// The offset of each partition's first record that is not older than a time. The end of the
    /// partition if every record is older.
    public Map<Integer, Long> firstSince(String topic, int partitions, Instant time) {
        // Before the lookup: a record that is written in between is not old.
        Map<Integer, Long> firsts = new HashMap<>(ends(topic, partitions));
        offsets(topic, partitions, OffsetSpec.forTimestamp(time.toEpochMilli()))
                .forEach(
                        (partition, first) -> {
                            if (first >= 0) {
                                firsts.put(partition, first);
                            }
                        });
        return firsts;
    }

    /// Deletes the records before an offset in each of these partitions. Kafka frees disk space by
    /// whole segments, some minutes later.
    public void deleteRecords(String topic, Map<Integer, Long> before) {
        Map<TopicPartition, RecordsToDelete> deleted = new HashMap<>();
        before.forEach(
                (partition, offset) ->
                        deleted.put(
                                new TopicPartition(topic, partition),
                                RecordsToDelete.beforeOffset(offset)));
        await(admin.deleteRecords(deleted).all(), "delete old records of topic " + topic);
    }

    /// The bytes that topics have on the disks of all brokers, replicas included.
    ///
    /// @throws BrokerException if a disk of a broker cannot be read
    public Map<String, Long> diskBytes(Collection<String> topics) {
        List<Integer> brokers =
                await(admin.describeCluster().nodes(), "list the brokers").stream()
                        .map(Node::id)
                        .toList();
        Map<String, Long> bytes = new HashMap<>();
        topics.forEach(topic -> bytes.put(topic, 0L));
        await(admin.describeLogDirs(brokers).allDescriptions(), "read the disk use of the topics")
                .values()
                .stream()
                .flatMap(disks -> disks.values().stream())
                .forEach(
                        disk -> {
                            if (disk.error() != null) {
                                throw new BrokerException(
                                        "Kafka cannot read the disk use of the topics: a disk of a broker is offline.",
                                        disk.error());
                            }
                            disk.replicaInfos()
                                    .forEach(
                                            (partition, replica) ->
                                                    bytes.computeIfPresent(
                                                            partition.topic(),
                                                            (_, sum) -> sum + replica.size()));
                        });
        return bytes;
    }

    /// Sets the committed offsets of a group, which must have no active member.
    public void setCommittedOffsets(String group, String topic, Map<Integer, Long> offsets) {
        Map<TopicPartition, OffsetAndMetadata> all = new HashMap<>();
        offsets.forEach(
                (partition, offset) ->
                        all.put(
                                new TopicPartition(topic, partition),
                                new OffsetAndMetadata(offset)));
        await(
                admin.alterConsumerGroupOffsets(group, all).all(),
                "set the offsets of group " + group);
    }

    /// The committed offsets of a group; partitions without one are absent.
    public Map<Integer, Long> committedOffsets(String group, String topic) {
        Map<Integer, Long> offsets = new HashMap<>();
        await(
                        admin.listConsumerGroupOffsets(group).partitionsToOffsetAndMetadata(),
                        "read the offsets of group " + group)
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

    static <T> T await(Future<T> answer, String what) {
        try {
            return answer.get(TIMEOUT.toMillis(), TimeUnit.MILLISECONDS);
        } catch (ExecutionException e) {
            Throwable cause = e.getCause() == null ? e : e.getCause();
            throw new BrokerException("Kafka cannot " + what + ": " + cause.getMessage(), cause);
        } catch (TimeoutException e) {
            throw new BrokerException("Kafka did not respond in time to: " + what, e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new BrokerException("Interrupted: " + what, e);
        }
    }
}
