package dev.millrace.capture.position;

import static org.apache.kafka.common.IsolationLevel.READ_COMMITTED;
import static org.apache.kafka.common.IsolationLevel.READ_UNCOMMITTED;

import dev.millrace.capture.position.SourcePosition.SourceLostException;
import dev.millrace.change.BlockCodec;
import dev.millrace.change.Topics;
import dev.millrace.kafka.TopicReader;
import dev.millrace.kafka.TopicReader.OffsetRange;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.IntStream;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.TimeoutException;

/// The end offsets of the log's partitions, and what a committed read returns before them. Not
/// thread-safe; confined to the capture thread.
public final class LogEnds {

    private final TopicReader reader;
    private final List<TopicPartition> changes;
    private final TopicPartition position;

    public LogEnds(TopicReader reader, Topics topics, int partitions) {
        this.reader = reader;
        this.changes =
                IntStream.range(0, partitions)
                        .mapToObj(number -> new TopicPartition(topics.changes(), number))
                        .toList();
        this.position = new TopicPartition(topics.position(), 0);
    }

    /// The records after the last stable offset, whose transaction has not ended.
    ///
    /// @param changes ranges by partition of the changes topic; partitions without open records are
    ///   absent
    public record Open(Map<Integer, OffsetRange> changes, Optional<OffsetRange> position) {

        public Open {
            changes = Map.copyOf(changes);
        }

        public boolean isEmpty() {
            return changes.isEmpty() && position.isEmpty();
        }
    }

    /// The offset after the last record of each partition of the changes topic.
    public List<Long> changesEnds() {
        Map<TopicPartition, Long> ends = reader.ends(changes, READ_COMMITTED);
        return changes.stream().map(each -> ends.getOrDefault(each, 0L)).toList();
    }

    public Open open() {
        List<TopicPartition> all = new ArrayList<>(changes);
        all.add(position);
        Map<TopicPartition, Long> stable = reader.ends(all, READ_COMMITTED);
        Map<TopicPartition, Long> written = reader.ends(all, READ_UNCOMMITTED);
        Map<Integer, OffsetRange> open = new HashMap<>();
        Optional<OffsetRange> ofPosition = Optional.empty();
        for (TopicPartition each : all) {
            OffsetRange range =
                    new OffsetRange(stable.getOrDefault(each, 0L), written.getOrDefault(each, 0L));
            if (range.isEmpty()) {
                continue;
            }
            if (each.equals(position)) {
                ofPosition = Optional.of(range);
            } else {
                open.put(each.partition(), range);
            }
        }
        return new Open(open, ofPosition);
    }

    /// Waits until every open record has its marker.
    ///
    /// @throws TimeoutException if a marker is missing after the timeout
    public void awaitMarkers(Duration timeout) {
        TopicReader bounded = new TopicReader(reader.kafka(), timeout);
        Open open = open();
        open.changes()
                .forEach(
                        (partition, range) ->
                                bounded.read(
                                        changes.get(partition), range, READ_COMMITTED, _ -> {}));
        open.position().ifPresent(range -> bounded.read(position, range, READ_COMMITTED, _ -> {}));
    }

    /// Whether a committed read returns the last record of each partition of the changes topic.
    ///
    /// @param ends the offset after that record by partition; no record before it may be open.
    ///   Partitions whose record was deleted are absent from the result
    /// @throws SourceLostException if a partition ends before that offset
    public Map<Integer, Boolean> returnsLastRecord(Map<Integer, Long> ends) {
        Map<TopicPartition, Long> reached = reader.ends(changes, READ_COMMITTED);
        Map<TopicPartition, Long> begins = reader.begins(changes);
        Map<Integer, Boolean> returned = new HashMap<>();
        ends.forEach(
                (partition, end) -> {
                    TopicPartition each = changes.get(partition);
                    long actual = reached.getOrDefault(each, 0L);
                    if (actual < end) {
                        throw new SourceLostException(
                                "Partition "
                                        + each
                                        + " ends at offset "
                                        + actual
                                        + ", but it contained records up to "
                                        + end
                                        + ": the broker lost records.");
                    }
                    if (end > begins.getOrDefault(each, 0L)) {
                        returned.put(partition, returnsRecord(each, new OffsetRange(end - 1, end)));
                    }
                });
        return returned;
    }

    /// Whether the changes topic contains a committed record of the generation.
    public boolean contains(int generation) {
        Map<TopicPartition, Long> begins = reader.begins(changes);
        Map<TopicPartition, Long> ends = reader.ends(changes, READ_COMMITTED);
        return changes.stream()
                .anyMatch(
                        each ->
                                contains(
                                        each,
                                        new OffsetRange(
                                                begins.getOrDefault(each, 0L),
                                                ends.getOrDefault(each, 0L)),
                                        generation));
    }

    /// Reads in growing windows, because the first record of a long log is usually enough.
    private boolean contains(TopicPartition partition, OffsetRange all, int generation) {
        BlockCodec codec = new BlockCodec();
        AtomicBoolean found = new AtomicBoolean();
        long from = all.from();
        for (long window = 64; from < all.to() && !found.get(); window *= 16) {
            long to = Math.min(all.to(), from + window);
            reader.read(
                    partition,
                    new OffsetRange(from, to),
                    READ_COMMITTED,
                    record -> {
                        if (codec.decodeChanges(record.value()).generation() == generation) {
                            found.set(true);
                        }
                    });
            from = to;
        }
        return found.get();
    }

    private boolean returnsRecord(TopicPartition partition, OffsetRange range) {
        AtomicBoolean found = new AtomicBoolean();
        reader.read(partition, range, READ_COMMITTED, _ -> found.set(true));
        return found.get();
    }

    /// @throws SourceLostException if a partition ends before the position's end, no longer returns
    ///   the records before it, or contains committed records after it
    public void requireComplete(SourcePosition last) {
        Map<Integer, Long> logged = new HashMap<>();
        for (int partition = 0; partition < last.logged().changesEnds().size(); partition++) {
            logged.put(partition, last.logged().changesEnds().get(partition));
        }
        returnsLastRecord(logged)
                .forEach(
                        (partition, returned) -> {
                            if (!returned) {
                                throw new SourceLostException(
                                        "Partition "
                                                + changes.get(partition)
                                                + " no longer returns its committed records: the broker aborted their transaction.");
                            }
                        });
        Map<TopicPartition, Long> begins = reader.begins(changes);
        Map<TopicPartition, Long> ends = reader.ends(changes, READ_COMMITTED);
        logged.forEach(
                (partition, end) -> {
                    TopicPartition each = changes.get(partition);
                    long from = Math.max(end, begins.getOrDefault(each, 0L));
                    if (returnsRecord(each, new OffsetRange(from, ends.getOrDefault(each, 0L)))) {
                        throw new SourceLostException(
                                "Partition "
                                        + each
                                        + " contains committed records after offset "
                                        + end
                                        + ", the end of the last position: the broker lost later positions.");
                    }
                });
    }
}
