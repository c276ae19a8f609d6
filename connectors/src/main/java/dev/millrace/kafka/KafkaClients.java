package dev.millrace.kafka;

import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.common.IsolationLevel;
import org.apache.kafka.common.metrics.JmxReporter;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/// Creates Millrace's Kafka clients. The only place that decides their settings; the `kafka`
/// parameter of each method says how to reach the cluster (`bootstrap.servers`, security), and the
/// settings here override it. Every consumer starts only at explicit offsets
/// (`auto.offset.reset=none`), so that no record is skipped silently. Thread-safe.
public final class KafkaClients {

    private static final Duration LONGEST_REQUEST = Duration.ofSeconds(10);

    /// How long a write waits for a broker that does not respond. Failing earlier during a snapshot
    /// would discard the snapshot.
    private static final Duration WRITE_TIMEOUT = Duration.ofMinutes(1);

    /// Longer than [#WRITE_TIMEOUT], so that no transaction expires while its writes still wait.
    /// Brokers accept at most `transaction.max.timeout.ms`, by default 15 minutes.
    private static final Duration TRANSACTION_TIMEOUT = WRITE_TIMEOUT.plusMinutes(1);

    private static final int BATCH_BYTES = 256 * 1024;
    private static final int LARGEST_REQUEST_BYTES = 64 * 1024 * 1024;
    private static final int BUFFER_BYTES = 128 * 1024 * 1024;

    /// A record is a block, which has up to 512 KiB before compression. A poll decompresses all
    /// records that it returns.
    private static final int POLL_RECORDS = 64;

    /// Compressed bytes that a consumer fetches ahead from one broker. A larger record comes alone.
    private static final int FETCH_BYTES = 16 * 1024 * 1024;

    private static final int PARTITION_FETCH_BYTES = 4 * 1024 * 1024;

    /// A producer refuses records that are larger than its buffer.
    private static final int STREAMS_BUFFER_BYTES = LARGEST_REQUEST_BYTES + BATCH_BYTES;

    /// Apply decides after every poll whether it continues to read.
    private static final int APPLY_POLL_RECORDS = 4;

    /// Names of beans, as a pattern.
    private static final String MEASURED =
            "kafka\\.(consumer:type=consumer-(fetch-manager|coordinator)-metrics,client-id=[^,]*"
                    + "|producer:type=producer-metrics,client-id=[^,]*"
                    + "|streams:type=stream-(thread-)?metrics,[a-z]+-id=[^,]*)";

    private KafkaClients() {}

    /// The user's settings, without reporters of metrics unless they name some: by default each
    /// client registers hundreds of JMX beans, which costs more than most clients do.
    private static Map<String, Object> config(Map<String, Object> kafka) {
        Map<String, Object> config = new HashMap<>(kafka);
        config.putIfAbsent("metric.reporters", List.of());
        return config;
    }

    /// The beans that the service exports as metrics, of the clients that live as long as a stream:
    /// a few of each client instead of hundreds. The user's own reporters take their place.
    ///
    /// @param config to add to
    public static void measured(Map<? super String, Object> config) {
        if (!config.containsKey("metric.reporters")
                || List.of().equals(config.get("metric.reporters"))) {
            config.put("metric.reporters", List.of(JmxReporter.class.getName()));
            config.put("metrics.jmx.include", MEASURED);
        }
    }

    /// @param timeout how long a call may take
    public static Admin admin(Map<String, Object> kafka, Duration timeout) {
        Map<String, Object> config = config(kafka);
        config.put("default.api.timeout.ms", (int) timeout.toMillis());
        config.put(
                "request.timeout.ms",
                (int) Math.min(timeout.toMillis(), LONGEST_REQUEST.toMillis()));
        return Admin.create(config);
    }

    /// A consumer without a group that reads ranges of partitions.
    ///
    /// @param timeout how long a call may take
    static KafkaConsumer<byte[], byte[]> rangeConsumer(
            Map<String, Object> kafka, IsolationLevel isolation, Duration timeout) {
        Map<String, Object> config = config(kafka);
        config.put("isolation.level", isolation.toString());
        config.put("auto.offset.reset", "none");
        config.put("enable.auto.commit", false);
        config.put("max.poll.records", POLL_RECORDS);
        config.put("fetch.max.bytes", FETCH_BYTES);
        // No record follows the end of a range, and closing the consumer waits for a pending fetch.
        config.put("fetch.max.wait.ms", 10);
        config.put("default.api.timeout.ms", (int) timeout.toMillis());
        return consumer(config);
    }

    /// A member of a consumer group that reads committed records and stores its offsets elsewhere.
    public static KafkaConsumer<byte[], byte[]> groupConsumer(
            Map<String, Object> kafka, String group) {
        Map<String, Object> config = config(kafka);
        config.put("group.id", group);
        config.put("enable.auto.commit", false);
        config.put("auto.offset.reset", "none");
        config.put("isolation.level", "read_committed");
        config.put("allow.auto.create.topics", false);
        config.put("max.poll.records", APPLY_POLL_RECORDS);
        config.put("fetch.max.bytes", FETCH_BYTES);
        config.put("max.partition.fetch.bytes", PARTITION_FETCH_BYTES);
        // A block is returned as soon as it is committed.
        config.put("fetch.min.bytes", 1);
        config.put("reconnect.backoff.max.ms", 1_000);
        measured(config);
        return consumer(config);
    }

    private static KafkaConsumer<byte[], byte[]> consumer(Map<String, Object> config) {
        return new KafkaConsumer<>(
                config, new ByteArrayDeserializer(), new ByteArrayDeserializer());
    }

    /// A transactional producer. The caller fences earlier producers of the id by
    /// `initTransactions`.
    public static KafkaProducer<byte[], byte[]> transactionalProducer(
            Map<String, Object> kafka, String transactionalId) {
        Map<String, Object> config = config(kafka);
        config.put("transactional.id", transactionalId);
        config.put("enable.idempotence", true);
        config.put("acks", "all");
        config.put("linger.ms", 5);
        config.put("batch.size", BATCH_BYTES);
        config.put("compression.type", "lz4");
        config.put("buffer.memory", BUFFER_BYTES);
        config.put("max.request.size", LARGEST_REQUEST_BYTES);
        // A lost response is requested again soon.
        config.put("request.timeout.ms", (int) LONGEST_REQUEST.toMillis());
        config.put("delivery.timeout.ms", (int) WRITE_TIMEOUT.toMillis());
        config.put("max.block.ms", WRITE_TIMEOUT.toMillis());
        config.put("transaction.timeout.ms", (int) TRANSACTION_TIMEOUT.toMillis());
        measured(config);
        return new KafkaProducer<>(config, new ByteArraySerializer(), new ByteArraySerializer());
    }

    /// Settings of every consumer of a Kafka Streams application.
    public static Map<String, Object> streamsConsumer() {
        return Map.of(
                "isolation.level",
                "read_committed",
                "max.poll.records",
                POLL_RECORDS,
                "fetch.max.bytes",
                FETCH_BYTES,
                "max.partition.fetch.bytes",
                PARTITION_FETCH_BYTES);
    }

    /// Settings of the main consumer of a Kafka Streams application.
    ///
    /// @param member the static group member: a process that restarts under the same name takes
    ///   over at once from a member that died without leaving the group
    public static Map<String, Object> streamsMainConsumer(String member) {
        return Map.of("group.instance.id", member, "auto.offset.reset", "none");
    }

    /// Settings of the producer of a Kafka Streams application, whose output is always a prefix of
    /// what was sent. With a second request in flight, records after a rejected one could already
    /// be in the topic; a batch that expired while a later one was written would leave the same
    /// gap.
    public static Map<String, Object> streamsProducer() {
        return Map.of(
                "enable.idempotence",
                "true",
                "acks",
                "all",
                "max.in.flight.requests.per.connection",
                1,
                "delivery.timeout.ms",
                Integer.MAX_VALUE,
                "linger.ms",
                2,
                "batch.size",
                BATCH_BYTES,
                "compression.type",
                "lz4",
                "buffer.memory",
                STREAMS_BUFFER_BYTES,
                "max.request.size",
                LARGEST_REQUEST_BYTES);
    }
}
