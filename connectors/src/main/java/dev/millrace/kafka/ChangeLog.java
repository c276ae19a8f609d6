package dev.millrace.kafka;

import dev.millrace.change.BlockCodec;
import dev.millrace.change.ChangeEvent;
import dev.millrace.change.TargetChange;
import dev.millrace.change.Topics;
import dev.millrace.kafka.TopicReader.OffsetRange;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.OffsetOutOfRangeException;
import org.apache.kafka.common.IsolationLevel;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.databind.json.JsonMapper;

/// Reads ranges of a migration's changes and target topics, committed records only, in the order of
/// each partition. Thread-safe: each call opens its own consumer. Throws [LogUnreadable] rather
/// than returning an incomplete result.
public final class ChangeLog {

    private final TopicReader reader;
    private final Topics topics;
    private final BlockCodec codec = new BlockCodec();

    /// @param kafka client settings: `bootstrap.servers` and security
    public ChangeLog(Map<String, Object> kafka, Topics topics) {
        this.reader = new TopicReader(Map.copyOf(kafka), TopicReader.TIMEOUT);
        this.topics = topics;
    }

    /// The first offset of each partition that still exists.
    public Map<Integer, Long> begins(LogTopic topic) {
        return offsets(topic, reader::begins);
    }

    /// The offset after the last committed record of each partition. A record at or after it was
    /// not committed at the time of the call.
    public Map<Integer, Long> ends(LogTopic topic) {
        return offsets(topic, name -> reader.ends(name, IsolationLevel.READ_COMMITTED));
    }

    /// Passes the changes in the ranges to the consumer in batches, partitions in turns.
    public void changes(
            Map<Integer, OffsetRange> ranges, Consumer<List<Logged<ChangeEvent>>> consumer) {
        scan(
                LogTopic.CHANGES,
                ranges,
                value -> codec.decodeChanges(value).events(),
                toTheEnd(consumer));
    }

    public void targetChanges(
            Map<Integer, OffsetRange> ranges, Consumer<List<Logged<TargetChange>>> consumer) {
        scan(
                LogTopic.TARGET,
                ranges,
                value -> codec.decodeTarget(value).changes(),
                toTheEnd(consumer));
    }

    /// As [#entries], a JSON object per line, until the last of the requested lines.
    ///
    /// @param limit 1 or more
    /// @param shown replaces what may not be shown; the filter compares what the topic has
    public void lines(
            LogTopic topic,
            LogFilter filter,
            int limit,
            UnaryOperator<LogEntry> shown,
            Consumer<String> line) {
        entries(
                topic,
                filter,
                new Limited(limit, entry -> line.accept(shown.apply(entry).toJson())));
    }

    /// Passes the topic's current contents to the consumer, filtered, from the first offset; each
    /// partition in its order, partitions in turns.
    ///
    /// @param consumer returns false to stop reading
    public void entries(LogTopic topic, LogFilter filter, Predicate<LogEntry> consumer) {
        Map<Integer, OffsetRange> ranges = new TreeMap<>();
        Map<Integer, Long> ends = ends(topic);
        begins(topic)
                .forEach(
                        (partition, from) ->
                                ranges.put(
                                        partition,
                                        new OffsetRange(from, ends.getOrDefault(partition, from))));
        Predicate<LogEntry> filtered = entry -> !filter.matches(entry) || consumer.test(entry);
        while (true) {
            try {
                entries(
                        topic,
                        ranges,
                        entry -> {
                            // Kafka reports deleted records between two records, so every entry
                            // of this one is passed on.
                            ranges.computeIfPresent(
                                    entry.partition(),
                                    (_, range) -> new OffsetRange(entry.offset() + 1, range.to()));
                            return filtered.test(entry);
                        });
                return;
            } catch (LogUnreadable e) {
                if (!(e.getCause() instanceof OffsetOutOfRangeException)
                        || !skipDeleted(topic, ranges)) {
                    throw e;
                }
            }
        }
    }

    /// Records may be deleted while they are read.
    ///
    /// @return whether a range begins later now
    private boolean skipDeleted(LogTopic topic, Map<Integer, OffsetRange> ranges) {
        Map<Integer, Long> begins = begins(topic);
        Map<Integer, OffsetRange> before = Map.copyOf(ranges);
        ranges.replaceAll(
                (partition, range) ->
                        new OffsetRange(
                                Math.max(range.from(), begins.getOrDefault(partition, 0L)),
                                range.to()));
        return !ranges.equals(before);
    }

    private void entries(
            LogTopic topic, Map<Integer, OffsetRange> ranges, Predicate<LogEntry> consumer) {
        switch (topic) {
            case CHANGES ->
                    scan(
                            topic,
                            ranges,
                            value -> codec.decodeChanges(value).events(),
                            records -> records.stream().map(LogEntry::of).allMatch(consumer));
            case TARGET ->
                    scan(
                            topic,
                            ranges,
                            value -> codec.decodeTarget(value).changes(),
                            records -> records.stream().map(LogEntry::ofTarget).allMatch(consumer));
        }
    }

    private static <T> Predicate<List<Logged<T>>> toTheEnd(Consumer<List<Logged<T>>> reader) {
        return records -> {
            reader.accept(records);
            return true;
        };
    }

    private <T> void scan(
            LogTopic topic,
            Map<Integer, OffsetRange> ranges,
            Function<byte[], List<T>> decoder,
            Predicate<List<Logged<T>>> consumer) {
        Map<TopicPartition, OffsetRange> partitions = new HashMap<>();
        ranges.forEach(
                (number, range) -> partitions.put(new TopicPartition(name(topic), number), range));
        try {
            reader.read(
                    partitions,
                    IsolationLevel.READ_COMMITTED,
                    records ->
                            consumer.test(
                                    records.stream()
                                            .flatMap(record -> Logged.of(record, decoder))
                                            .toList()));
        } catch (KafkaException e) {
            throw new LogUnreadable("Cannot read topic " + name(topic), e);
        }
    }

    private Map<Integer, Long> offsets(
            LogTopic topic, Function<String, Map<Integer, Long>> lookup) {
        try {
            return lookup.apply(name(topic));
        } catch (KafkaException e) {
            throw new LogUnreadable("Cannot read the offsets of topic " + name(topic), e);
        }
    }

    private String name(LogTopic topic) {
        return switch (topic) {
            case CHANGES -> topics.changes();
            case TARGET -> topics.target();
        };
    }

    /// Kafka does not respond, or the requested offsets no longer exist.
    public static final class LogUnreadable extends RuntimeException {

        private static final long serialVersionUID = 1L;

        LogUnreadable(String message, Throwable cause) {
            super(message, cause);
        }
    }

    /// A committed change and its place. Its row shares the bytes of its block.
    ///
    /// @param offset of the block
    /// @param index of the change in the block
    public record Logged<T>(int partition, long offset, int index, T content) {

        private static <T> Stream<Logged<T>> of(
                ConsumerRecord<byte[], byte[]> record, Function<byte[], List<T>> decoder) {
            List<T> contents = decoder.apply(record.value());
            return IntStream.range(0, contents.size())
                    .mapToObj(
                            index ->
                                    new Logged<>(
                                            record.partition(),
                                            record.offset(),
                                            index,
                                            contents.get(index)));
        }
    }

    /// The topics of a migration that contain rows.
    public enum LogTopic {
        CHANGES,
        TARGET
    }

    /// Selects entries: all, those of one table (`schema.name`), or those of one key (its texts in
    /// key order). Entries without a table, such as watermarks, match only if no table is given.
    public record LogFilter(Optional<String> table, Optional<List<String>> key) {

        public static final LogFilter ALL = new LogFilter(Optional.empty(), Optional.empty());

        private static final JsonMapper JSON = JsonMapper.builder().build();

        /// Parses a key: a JSON array of texts and numbers, one per key column, or the columns'
        /// texts separated by commas. Only the array allows a comma in a text.
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
                    // For a number, this is the text as written.
                    parts.add(parser.getString());
                }
                return parser.nextToken() == null && !parts.isEmpty()
                        ? Optional.of(parts)
                        : Optional.empty();
            } catch (JacksonException _) {
                return Optional.empty();
            }
        }

        boolean matches(LogEntry entry) {
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
