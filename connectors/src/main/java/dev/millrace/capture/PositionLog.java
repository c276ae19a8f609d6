package dev.millrace.capture;

import static org.apache.kafka.common.IsolationLevel.READ_COMMITTED;
import static org.apache.kafka.common.IsolationLevel.READ_UNCOMMITTED;

import dev.millrace.capture.position.PositionCodec;
import dev.millrace.capture.position.PublishedTablesCodec;
import dev.millrace.capture.position.SourcePosition;
import dev.millrace.capture.position.SourcePosition.SourceLostException;
import dev.millrace.change.TableId;
import dev.millrace.kafka.LogReader;
import dev.millrace.kafka.LogReader.Range;
import dev.millrace.postgres.PublishedTable;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import org.apache.kafka.common.IsolationLevel;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.TimeoutException;

/// Reads the source position back: the last *committed* record of the position topic. The answer is
/// final only when an older producer of the same transactional id can no longer commit, so
/// `initTransactions` comes first.
final class PositionLog {

    private final LogReader reader;
    private final TopicPartition partition;
    private final PositionCodec codec = new PositionCodec();

    PositionLog(LogReader reader, String topic) {
        this.reader = reader;
        this.partition = new TopicPartition(topic, 0);
    }

    /// @throws TimeoutException when the topic doesn't answer in time
    void requireAnswer() {
        reader.begins(List.of(partition));
    }

    /// @throws TimeoutException when the topic doesn't answer in time
    Optional<SourcePosition> last() {
        List<TopicPartition> only = List.of(partition);
        long begin = reader.begins(only).getOrDefault(partition, 0L);
        long end = reader.ends(only, READ_COMMITTED).getOrDefault(partition, 0L);
        for (long window = 64; ; window *= 64) {
            long from = Math.max(begin, end - window);
            List<SourcePosition> found = positions(new Range(from, end), READ_COMMITTED);
            if (!found.isEmpty()) {
                return Optional.of(found.getLast());
            }
            if (from == begin) {
                return Optional.empty();
            }
        }
    }

    /// The positions in a range of the topic, whether they were committed or not.
    List<SourcePosition> written(Range range) {
        return positions(range, READ_UNCOMMITTED);
    }

    /// The captured tables' facts that a position names, empty when it names none.
    ///
    /// @throws SourceLostException when they are not where it says
    SortedMap<TableId, PublishedTable> tables(SourcePosition position) {
        long at = position.logged().tablesAt();
        if (at < 0) {
            return new TreeMap<>();
        }
        List<SortedMap<TableId, PublishedTable>> found = new ArrayList<>();
        reader.read(
                partition,
                new Range(at, at + 1),
                READ_COMMITTED,
                record -> {
                    if (!ChangeLogWriter.isPosition(record.key())) {
                        found.add(new PublishedTablesCodec().decode(record.value()));
                    }
                });
        if (found.isEmpty()) {
            throw new SourceLostException(
                    "the position topic no longer holds what the tables were like when the log was begun");
        }
        return found.getFirst();
    }

    private List<SourcePosition> positions(Range range, IsolationLevel isolation) {
        List<SourcePosition> found = new ArrayList<>();
        reader.read(
                partition,
                range,
                isolation,
                record -> {
                    if (ChangeLogWriter.isPosition(record.key())) {
                        found.add(codec.decode(record.value()));
                    }
                });
        return found;
    }
}
