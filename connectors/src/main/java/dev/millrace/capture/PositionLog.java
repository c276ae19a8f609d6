package dev.millrace.capture;

import static org.apache.kafka.common.IsolationLevel.READ_COMMITTED;
import static org.apache.kafka.common.IsolationLevel.READ_UNCOMMITTED;

import dev.millrace.backfill.BackfillState;
import dev.millrace.backfill.codec.ProgressCodec;
import dev.millrace.capture.position.PositionCodec;
import dev.millrace.capture.position.PublishedTablesCodec;
import dev.millrace.capture.position.SourcePosition;
import dev.millrace.capture.position.SourcePosition.SourceLostException;
import dev.millrace.change.TableId;
import dev.millrace.kafka.TopicReader;
import dev.millrace.kafka.TopicReader.OffsetRange;
import dev.millrace.postgres.PublishedTable;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import org.apache.kafka.common.IsolationLevel;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.TimeoutException;
import org.jspecify.annotations.Nullable;

/// Reads the source position: the last *committed* record of the position topic. The result is
/// final only if no earlier producer of the transactional id can commit any more, so
/// `initTransactions` must precede it. Thread-safe.
final class PositionLog {

    private final TopicReader reader;
    private final TopicPartition partition;
    private final PositionCodec codec = new PositionCodec();

    PositionLog(TopicReader reader, String topic) {
        this.reader = reader;
        this.partition = new TopicPartition(topic, 0);
    }

    /// @throws TimeoutException if Kafka does not respond in time
    void requireAnswer() {
        reader.begins(List.of(partition));
    }

    /// @throws TimeoutException if Kafka does not respond in time
    Optional<SourcePosition> last() {
        List<TopicPartition> only = List.of(partition);
        long begin = reader.begins(only).getOrDefault(partition, 0L);
        long end = reader.ends(only, READ_COMMITTED).getOrDefault(partition, 0L);
        for (long window = 64; ; window *= 64) {
            long from = Math.max(begin, end - window);
            List<SourcePosition> found = positions(new OffsetRange(from, end), READ_COMMITTED);
            if (!found.isEmpty()) {
                return Optional.of(found.getLast());
            }
            if (from == begin) {
                return Optional.empty();
            }
        }
    }

    /// The positions in a range of the topic, committed or not.
    List<SourcePosition> written(OffsetRange range) {
        return positions(range, READ_UNCOMMITTED);
    }

    /// The facts of the captured tables that a position refers to; empty if it refers to none.
    ///
    /// @throws SourceLostException if the record no longer exists
    SortedMap<TableId, PublishedTable> tables(SourcePosition position) {
        long at = position.logged().tablesAt();
        if (at < 0) {
            return new TreeMap<>();
        }
        List<SortedMap<TableId, PublishedTable>> found = new ArrayList<>();
        reader.read(
                partition,
                new OffsetRange(at, at + 1),
                READ_COMMITTED,
                record -> {
                    if (!ChangeLogWriter.isPosition(record.key())) {
                        found.add(new PublishedTablesCodec().decode(record.value()));
                    }
                });
        if (found.isEmpty()) {
            throw new SourceLostException(
                    "The position topic no longer contains the facts of the captured tables that the last position refers to.");
        }
        return found.getFirst();
    }

    /// Folds what the log contains of the backfill. Reads the whole topic, which is compacted.
    void readBackfill(BackfillState state) {
        ProgressCodec progress = new ProgressCodec();
        List<TopicPartition> only = List.of(partition);
        OffsetRange all =
                new OffsetRange(
                        reader.begins(only).getOrDefault(partition, 0L),
                        reader.ends(only, READ_COMMITTED).getOrDefault(partition, 0L));
        reader.read(
                partition,
                all,
                READ_COMMITTED,
                record -> {
                    if (ChangeLogWriter.isProgress(record.key())) {
                        progress.decode(state.generation(), stored(record.key(), record.value()))
                                .ifPresent(fact -> state.fold(List.of(fact)));
                    }
                });
    }

    private static ProgressCodec.Stored stored(byte[] key, byte @Nullable [] value) {
        return new ProgressCodec.Stored(
                new String(key, StandardCharsets.UTF_8),
                Optional.ofNullable(value).map(bytes -> new String(bytes, StandardCharsets.UTF_8)));
    }

    private List<SourcePosition> positions(OffsetRange range, IsolationLevel isolation) {
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
