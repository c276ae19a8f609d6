package dev.millrace.source;

import static org.apache.kafka.common.IsolationLevel.READ_COMMITTED;
import static org.apache.kafka.common.IsolationLevel.READ_UNCOMMITTED;

import dev.millrace.source.LogReader.Range;
import dev.millrace.streams.Topics;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.IntStream;
import org.apache.kafka.common.TopicPartition;

/// How far the partitions of the log reach, and how much of that a committed read sees.
final class LogReach {

    private final LogReader reader;
    private final List<TopicPartition> changes;
    private final TopicPartition position;

    LogReach(LogReader reader, Topics topics, int partitions) {
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

    /// Those partitions of the changes topic in which a committed read shows the record at the
    /// offset.
    ///
    /// @param offsets by partition, each before its last stable offset
    Set<Integer> shown(Map<Integer, Long> offsets) {
        Set<Integer> shown = new HashSet<>();
        offsets.forEach(
                (partition, offset) ->
                        reader.read(
                                changes.get(partition),
                                new Range(offset, offset + 1),
                                READ_COMMITTED,
                                _ -> shown.add(partition)));
        return shown;
    }

    /// @throws SourceLostException when a partition ends before what the position says it holds, or
    ///   no longer shows it
    void requireWhole(SourcePosition last) {
        List<Long> logged = last.logged().changesEnds();
        Map<TopicPartition, Long> begins = reader.begins(changes);
        Map<TopicPartition, Long> ends = reader.ends(changes, READ_COMMITTED);
        Map<Integer, Long> lastRecords = new HashMap<>();
        for (TopicPartition each : changes.subList(0, logged.size())) {
            long behind = logged.get(each.partition());
            long end = ends.getOrDefault(each, 0L);
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
                lastRecords.put(each.partition(), behind - 1);
            }
        }
        Set<Integer> shown = shown(lastRecords);
        for (int partition : lastRecords.keySet()) {
            if (!shown.contains(partition)) {
                throw new SourceLostException(
                        "partition "
                                + changes.get(partition)
                                + " no longer shows what was committed to it: the broker aborted it");
            }
        }
    }
}
