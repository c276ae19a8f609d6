package dev.millrace.kafka.diagnosis;

import dev.millrace.kafka.Broker;
import dev.millrace.kafka.KafkaClients;
import dev.millrace.kafka.StreamNames;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.Config;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.ConsumerGroupDescription;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.common.KafkaFuture;
import org.apache.kafka.common.Node;
import org.apache.kafka.common.TopicPartitionInfo;
import org.apache.kafka.common.config.ConfigResource;

/// Describes the topics and consumer groups of a migration: partitions, replicas, settings, first
/// and last offsets, committed offsets. Reads no record. Not thread-safe.
public final class StreamDescription implements AutoCloseable {

    private static final Duration TIMEOUT = Duration.ofSeconds(10);

    private final Broker broker;
    private final StreamNames names;
    private final Admin admin;

    /// @param kafka client settings, at least `bootstrap.servers`
    /// @param streams the identifiers of the streams
    public StreamDescription(Map<String, Object> kafka, List<String> streams) {
        admin = KafkaClients.admin(kafka, TIMEOUT);
        broker = new Broker(kafka);
        names = new StreamNames(kafka, streams);
    }

    /// The brokers, and each topic by its name. Settings are those that differ from the default;
    /// the value of a sensitive one is not there.
    public Map<String, Object> topics() throws Exception {
        SortedSet<String> topics = names.topics();
        Map<String, Object> described = new LinkedHashMap<>();
        described.put(
                "brokers",
                await(admin.describeCluster().nodes()).stream().map(Node::toString).toList());
        Map<String, TopicDescription> all = await(admin.describeTopics(topics).allTopicNames());
        Map<String, Long> bytes = broker.diskBytes(topics);
        for (String topic : topics) {
            TopicDescription description = all.get(topic);
            if (description != null) {
                described.put(topic, described(topic, description, bytes.getOrDefault(topic, 0L)));
            }
        }
        return described;
    }

    private Map<String, Object> described(String topic, TopicDescription topicIs, long bytes)
            throws Exception {
        Map<Integer, Long> begins = broker.begins(topic, topicIs.partitions().size());
        Map<Integer, Long> ends = broker.ends(topic, topicIs.partitions().size());
        List<Map<String, Object>> partitions = new ArrayList<>();
        for (TopicPartitionInfo each : topicIs.partitions()) {
            Map<String, Object> partition = new LinkedHashMap<>();
            partition.put("partition", each.partition());
            partition.put("leader", each.leader() == null ? "none" : each.leader().idString());
            partition.put("replicas", each.replicas().size());
            partition.put("inSync", each.isr().size());
            partition.put("begin", begins.get(each.partition()));
            partition.put("end", ends.get(each.partition()));
            partitions.add(partition);
        }
        Map<String, Object> described = new LinkedHashMap<>();
        described.put("id", topicIs.topicId().toString());
        described.put("bytes", bytes);
        described.put("partitions", partitions);
        described.put("settings", settings(topic));
        return described;
    }

    private Map<String, String> settings(String topic) throws Exception {
        ConfigResource resource = new ConfigResource(ConfigResource.Type.TOPIC, topic);
        Map<String, String> settings = new TreeMap<>();
        for (Config config : await(admin.describeConfigs(List.of(resource)).all()).values()) {
            for (ConfigEntry entry : config.entries()) {
                if (!entry.isDefault() && !entry.isSensitive()) {
                    settings.put(entry.name(), entry.value());
                }
            }
        }
        return settings;
    }

    /// Each consumer group by its name: its state, its members, and the committed offset of each
    /// partition.
    public Map<String, Object> groups() throws Exception {
        SortedSet<String> groups = names.groups();
        Map<String, ConsumerGroupDescription> all =
                await(admin.describeConsumerGroups(groups).all());
        Map<String, Object> described = new LinkedHashMap<>();
        for (String group : groups) {
            Map<String, Object> one = new LinkedHashMap<>();
            ConsumerGroupDescription description = all.get(group);
            if (description != null) {
                one.put("state", description.groupState().toString());
                one.put("members", description.members().size());
            }
            Map<String, Long> offsets = new TreeMap<>();
            await(admin.listConsumerGroupOffsets(group).partitionsToOffsetAndMetadata())
                    .forEach(
                            (partition, offset) -> {
                                if (offset != null) {
                                    offsets.put(partition.toString(), offset.offset());
                                }
                            });
            one.put("committed", offsets);
            described.put(group, one);
        }
        return described;
    }

    private static <T> T await(KafkaFuture<T> future) throws Exception {
        try {
            return future.get(2 * TIMEOUT.toMillis(), TimeUnit.MILLISECONDS);
        } catch (ExecutionException e) {
            throw e.getCause() instanceof Exception cause ? cause : e;
        } catch (TimeoutException e) {
            throw new TimeoutException("no answer within " + 2 * TIMEOUT.toSeconds() + " s");
        }
    }

    @Override
    public void close() {
        names.close();
        broker.close();
        admin.close(TIMEOUT);
    }
}
