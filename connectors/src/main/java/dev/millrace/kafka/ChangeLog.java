package dev.millrace.kafka;

import dev.millrace.change.ChangeCodec;
import dev.millrace.change.ChangeEvent;
import dev.millrace.change.TargetChange;
import dev.millrace.change.Topics;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Predicate;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.PartitionInfo;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.databind.json.JsonMapper;

/// Reads ranges of the changes and the target topic of one migration, read committed, in the order
/// of each partition. Every call opens a consumer of its own and closes it; safe for any thread.
/// All calls throw [LogUnreadable] rather than answer from half a log.
public final class ChangeLog {

    private final Map<String, Object> config;
    private final Topics topics;
    private final ChangeCodec codec = new ChangeCodec();

    /// @param client how to reach Kafka: `bootstrap.servers` and what security needs
    public ChangeLog(Map<String, Object> client, Topics topics) {
        Map<String, Object> settings = new HashMap<>(client);
        settings.put(ConsumerConfig.ISOLATION_LEVEL_CONFIG, "read_committed");
        settings.put(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG, "none");
        settings.put(ConsumerConfig.ENABLE_AUTO_COMMIT_CONFIG, false);
        settings.put(ConsumerConfig.MAX_POLL_RECORDS_CONFIG, 5_000);
        // Behind a range's end nothing comes, and closing a consumer waits for the fetch under way.
        settings.put(ConsumerConfig.FETCH_MAX_WAIT_MS_CONFIG, 10);
        config = Map.copyOf(settings);
        this.topics = topics;
    }

    /// Per partition the first offset that is still there.
    public Map<Integer, Long> begins(LogTopic topic) {
        return offsets(topic, KafkaConsumer::beginningOffsets);
    }

    /// Per partition the offset behind the last committed record: what lies at or behind it had not
    /// been committed when this was asked.
    public Map<Integer, Long> ends(LogTopic topic) {
        return offsets(topic, KafkaConsumer::endOffsets);
    }

    /// Hands over the changes in these ranges, some at a time; partitions take turns.
    public void changes(
            Map<Integer, OffsetRange> ranges, Consumer<List<Logged<ChangeEvent>>> reader) {
        scan(LogTopic.CHANGES, ranges, codec::decodeEvent, wholly(reader));
    }

    public void targetChanges(
            Map<Integer, OffsetRange> ranges, Consumer<List<Logged<TargetChange>>> reader) {
        scan(LogTopic.TARGET, ranges, codec::decodeChange, wholly(reader));
    }

    /// What an operator sees: the topic as it is now, from its begin, filtered; each partition in
    /// its order, the partitions in turns.
    ///
    /// @param reader false when it wants no more; then nothing more is read
    public void entries(LogTopic topic, LogFilter filter, Predicate<LogEntry> reader) {
        Map<Integer, OffsetRange> ranges = new TreeMap<>();
        Map<Integer, Long> ends = ends(topic);
        begins(topic)
                .forEach(
                        (partition, from) ->
                                ranges.put(
                                        partition,
                                        new OffsetRange(from, ends.getOrDefault(partition, from))));
        Predicate<LogEntry> filtered = entry -> !filter.takes(entry) || reader.test(entry);
        switch (topic) {
            case CHANGES ->
                    scan(
                            topic,
                            ranges,
                            codec::decodeEvent,
                            some -> some.stream().map(LogEntry::of).allMatch(filtered));
            case TARGET ->
                    scan(
                            topic,
                            ranges,
                            codec::decodeChange,
                            some -> some.stream().map(LogEntry::ofTarget).allMatch(filtered));
        }
    }

    private static <T> Predicate<List<Logged<T>>> wholly(Consumer<List<Logged<T>>> reader) {
        return some -> {
            reader.accept(some);
            return true;
        };
    }

    private <T> void scan(
            LogTopic topic,
            Map<Integer, OffsetRange> ranges,
            Function<byte[], T> decoder,
            Predicate<List<Logged<T>>> reader) {
        try (KafkaConsumer<byte[], byte[]> consumer = consumer()) {
            new RangeScan<>(consumer, name(topic), ranges, decoder).run(reader);
        } catch (KafkaException e) {
            throw new LogUnreadable("the topic " + name(topic) + " could not be read", e);
        }
    }

    private interface Lookup {
        Map<TopicPartition, Long> of(
                KafkaConsumer<byte[], byte[]> consumer, List<TopicPartition> partitions);
    }

    private Map<Integer, Long> offsets(LogTopic topic, Lookup lookup) {
        try (KafkaConsumer<byte[], byte[]> consumer = consumer()) {
            List<PartitionInfo> infos = consumer.partitionsFor(name(topic));
            if (infos == null || infos.isEmpty()) {
                throw new LogUnreadable("there is no topic " + name(topic));
            }
            List<TopicPartition> partitions =
                    infos.stream()
                            .map(info -> new TopicPartition(info.topic(), info.partition()))
                            .toList();
            consumer.assign(partitions);
            Map<Integer, Long> result = new TreeMap<>();
            lookup.of(consumer, partitions)
                    .forEach((partition, offset) -> result.put(partition.partition(), offset));
            return result;
        } catch (KafkaException e) {
            throw new LogUnreadable("the ends of " + name(topic) + " could not be read", e);
        }
    }

    private KafkaConsumer<byte[], byte[]> consumer() {
        return new KafkaConsumer<>(
                config, new ByteArrayDeserializer(), new ByteArrayDeserializer());
    }

    private String name(LogTopic topic) {
        return switch (topic) {
            case CHANGES -> topics.changes();
            case TARGET -> topics.target();
        };
    }

    /// Offsets of one partition, `from` inclusive, `to` exclusive. Not every offset in it is a
    /// record: transaction markers take offsets too.
    public record OffsetRange(long from, long to) {

        public boolean isEmpty() {
            return to <= from;
        }
    }

    /// The log could not be read: Kafka doesn't answer, or the asked offsets are no longer there.
    public static final class LogUnreadable extends RuntimeException {

        private static final long serialVersionUID = 1L;

        LogUnreadable(String message) {
            super(message);
        }

        LogUnreadable(String message, Throwable cause) {
            super(message, cause);
        }
    }

    /// One committed record and where it lies.
    public record Logged<T>(int partition, long offset, T content) {}

    /// The two topics of a migration that hold rows.
    public enum LogTopic {
        CHANGES,
        TARGET
    }

    /// Which entries an operator wants: all, those of one table (`schema.name`), those of one key
    /// (the key's texts in key order). Watermarks and entries of other kinds without a table are
    /// taken only when no table is asked for.
    public record LogFilter(Optional<String> table, Optional<List<String>> key) {

        public static final LogFilter ALL = new LogFilter(Optional.empty(), Optional.empty());

        private static final JsonMapper JSON = JsonMapper.builder().build();

        /// Reads a key as an operator writes it: a JSON array of texts and numbers, one per key
        /// column, or the columns' texts with commas between them. Only in the array may a text
        /// hold a comma.
        public static List<String> key(String written) {
            return array(written).orElseGet(() -> List.of(written.split(",", -1)));
        }

        private static Optional<List<String>> array(String written) {
            List<String> parts = new ArrayList<>();
            try (JsonParser parser = JSON.createParser(written)) {
                if (parser.nextToken() != JsonToken.START_ARRAY) {
                    return Optional.empty();
                }
                for (JsonToken next = parser.nextToken();
                        next != JsonToken.END_ARRAY;
                        next = parser.nextToken()) {
                    if (next != JsonToken.VALUE_STRING && (next == null || !next.isNumeric())) {
                        return Optional.empty();
                    }
                    // Of a number this is the text as it is written.
                    parts.add(parser.getString());
                }
                return parser.nextToken() == null && !parts.isEmpty()
                        ? Optional.of(parts)
                        : Optional.empty();
            } catch (JacksonException _) {
                return Optional.empty();
            }
        }

        boolean takes(LogEntry entry) {
            boolean ofTable = table.isEmpty() || table.get().equals(entry.table());
            boolean ofKey =
                    key.isEmpty()
                            || entry.key() != null
                                    && entry.key().values().stream()
                                            .map(String::valueOf)
                                            .toList()
                                            .equals(key.get());
            return ofTable && ofKey;
        }
    }
}
