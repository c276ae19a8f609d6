package dev.millrace.capture;

import static org.apache.kafka.common.IsolationLevel.READ_COMMITTED;
import static org.apache.kafka.common.IsolationLevel.READ_UNCOMMITTED;

import dev.millrace.capture.position.SourcePosition;
import dev.millrace.capture.position.SourcePosition.SourceLostException;
import dev.millrace.change.ChangeCodec;
import dev.millrace.change.Topics;
import dev.millrace.kafka.LogReader;
import dev.millrace.kafka.LogReader.Range;
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

/// How far the partitions of the log reach, and how much of that a committed read sees.
final class LogEnds {

    private final LogReader reader;
    private final List<TopicPartition> changes;
    private final TopicPartition position;

    LogEnds(LogReader reader, Topics topics, int partitions) {
        this.reader = reader;
        this.changes =
                IntStream.range(0, partitions)
                        .mapToObj(number -> new TopicPartition(topics.changes(), number))
                        .toList();
        this.position = new TopicPartition(topics.position(), 0);
    }

    /// What is written behind the last stable offset: nobody has ended the transaction it is of.
    ///
    /// @param changes by partition of the changes topic; those without are absent
    record Open(Map<Integer, Range> changes, Optional<Range> position) {

        Open {
            changes = Map.copyOf(changes);
        }

        boolean nothing() {
            return changes.isEmpty() && position.isEmpty();
        }
    }

    /// The offset behind the last record of each partition of the changes topic.
    List<Long> changesEnds() {
        Map<TopicPartition, Long> ends = reader.ends(changes, READ_COMMITTED);
        return changes.stream().map(each -> ends.getOrDefault(each, 0L)).toList();
    }

    Open open() {
        List<TopicPartition> all = new ArrayList<>(changes);
        all.add(position);
        Map<TopicPartition, Long> stable = reader.ends(all, READ_COMMITTED);
        Map<TopicPartition, Long> written = reader.ends(all, READ_UNCOMMITTED);
        Map<Integer, Range> open = new HashMap<>();
        Optional<Range> ofPosition = Optional.empty();
        for (TopicPartition each : all) {
            Range range = new Range(stable.getOrDefault(each, 0L), written.getOrDefault(each, 0L));
            if (range.holdsNothing()) {
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

    /// Waits until everything that is open has its marker.
    ///
    /// @throws TimeoutException when something has none in time
    void awaitMarkers(Duration timeout) {
        LogReader patient = new LogReader(reader.kafka(), timeout);
        Open open = open();
        open.changes()
                .forEach(
                        (partition, range) ->
                                patient.read(
                                        changes.get(partition), range, READ_COMMITTED, _ -> {}));
        open.position().ifPresent(range -> patient.read(position, range, READ_COMMITTED, _ -> {}));
    }

    /// Whether a committed read shows the last record of a partition of the changes topic.
    ///
    /// @param ends the offset behind that record by partition, in which nothing is open; partitions
    ///   whose record was deleted are absent from the answer
    /// @throws SourceLostException when a partition ends before
    Map<Integer, Boolean> showsLast(Map<Integer, Long> ends) {
        Map<TopicPartition, Long> reached = reader.ends(changes, READ_COMMITTED);
        Map<TopicPartition, Long> begins = reader.begins(changes);
        Map<Integer, Boolean> shows = new HashMap<>();
        ends.forEach(
                (partition, behind) -> {
                    TopicPartition each = changes.get(partition);
                    long end = reached.getOrDefault(each, 0L);
                    if (end < behind) {
                        throw new SourceLostException(
                                "partition "
                                        + each
                                        + " ends at "
                                        + end
                                        + ", where the log held records up to "
                                        + behind
                                        + ": the broker lost some");
                    }
                    if (behind > begins.getOrDefault(each, 0L)) {
                        shows.put(partition, shows(each, new Range(behind - 1, behind)));
                    }
                });
        return shows;
    }

    /// Whether a committed read shows a record of the generation in the changes topic.
    boolean holds(int generation) {
        Map<TopicPartition, Long> begins = reader.begins(changes);
        Map<TopicPartition, Long> ends = reader.ends(changes, READ_COMMITTED);
        return changes.stream()
                .anyMatch(
                        each ->
                                holds(
                                        each,
                                        new Range(
                                                begins.getOrDefault(each, 0L),
                                                ends.getOrDefault(each, 0L)),
                                        generation));
    }

    /// In windows that grow, because the first record of a long log answers it.
    private boolean holds(TopicPartition partition, Range all, int generation) {
        ChangeCodec codec = new ChangeCodec();
        AtomicBoolean found = new AtomicBoolean();
        long from = all.from();
        for (long window = 64; from < all.to() && !found.get(); window *= 16) {
            long to = Math.min(all.to(), from + window);
            reader.read(
                    partition,
                    new Range(from, to),
                    READ_COMMITTED,
                    record -> {
                        if (codec.decodeEvent(record.value()).generation() == generation) {
                            found.set(true);
                        }
                    });
            from = to;
        }
        return found.get();
    }

    private boolean shows(TopicPartition partition, Range range) {
        AtomicBoolean shown = new AtomicBoolean();
        reader.read(partition, range, READ_COMMITTED, _ -> shown.set(true));
        return shown.get();
    }

    /// @throws SourceLostException when a partition ends before what the position says it holds, no
    ///   longer shows it, or shows more
    void requireWhole(SourcePosition last) {
        Map<Integer, Long> logged = new HashMap<>();
        for (int partition = 0; partition < last.logged().changesEnds().size(); partition++) {
            logged.put(partition, last.logged().changesEnds().get(partition));
        }
        showsLast(logged)
                .forEach(
                        (partition, shown) -> {
                            if (!shown) {
                                throw new SourceLostException(
                                        "partition "
                                                + changes.get(partition)
                                                + " no longer shows what was committed to it: the broker aborted it");
                            }
                        });
        Map<TopicPartition, Long> begins = reader.begins(changes);
        Map<TopicPartition, Long> ends = reader.ends(changes, READ_COMMITTED);
        logged.forEach(
                (partition, behind) -> {
                    TopicPartition each = changes.get(partition);
                    long from = Math.max(behind, begins.getOrDefault(each, 0L));
                    if (shows(each, new Range(from, ends.getOrDefault(each, 0L)))) {
                        throw new SourceLostException(
                                "partition "
                                        + each
                                        + " shows records behind "
                                        + behind
                                        + ", where the last position ends: the broker lost later positions");
                    }
                });
    }
}
