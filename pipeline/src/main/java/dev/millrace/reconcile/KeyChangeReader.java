package dev.millrace.reconcile;

import dev.millrace.change.ChangeEvent;
import dev.millrace.change.Row;
import dev.millrace.change.RowKey;
import dev.millrace.change.Token;
import dev.millrace.digest.StoredState.StoredPositions;
import dev.millrace.digest.TargetSnapshot;
import dev.millrace.kafka.ChangeLog;
import dev.millrace.kafka.ChangeLog.LogTopic;
import dev.millrace.kafka.ChangeLog.Logged;
import dev.millrace.kafka.TopicReader.OffsetRange;
import dev.millrace.mapping.Mapping;
import dev.millrace.mapping.RowMapper;
import dev.millrace.retention.LogHolds;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// Finds the changes of a table's keys in the changes topic, up to the position that the target had
/// stored. Keys are target keys in the target's text form. Not thread-safe; confined to the
/// reconciliation's thread.
final class KeyChangeReader {

    private final ChangeLog log;
    private final LogHolds.Hold held;
    private final ReplicationProgress progress;
    private final Cancellation cancellation;
    private final Mapping mapping;

    KeyChangeReader(ReconcileContext with, Mapping mapping) {
        this.log = with.log();
        this.held = with.held();
        this.progress = with.progress();
        this.cancellation = with.cancellation();
        this.mapping = mapping;
    }

    /// The keys that have a change between these offsets and the stored ones.
    Set<RowKey> touched(
            Map<Integer, Long> from, TargetSnapshot target, StoredPositions to, Set<RowKey> keys) {
        Set<RowKey> touched = new HashSet<>();
        log.changes(
                ranges(from, to),
                read -> {
                    cancellation.check();
                    List<Logged<ChangeEvent>> batch = applied(read, to);
                    if (batch.stream().anyMatch(this::truncates)) {
                        touched.addAll(keys);
                    }
                    touched.addAll(target.canonical(keysOf(batch)).values());
                });
        touched.retainAll(keys);
        return touched;
    }

    /// The history of each key between these offsets and the stored ones. Every image is also added
    /// to the matcher.
    Map<RowKey, KeyHistory> histories(
            Map<Integer, Long> from,
            TargetSnapshot target,
            StoredPositions to,
            Set<RowKey> keys,
            Set<Long> hidden,
            SourceImageMatcher matcher) {
        Map<RowKey, KeyHistory> histories = new HashMap<>();
        keys.forEach(key -> histories.put(key, KeyHistory.NONE));
        log.changes(
                ranges(from, to),
                read -> {
                    cancellation.check();
                    List<Logged<ChangeEvent>> batch = applied(read, to);
                    Map<RowKey, RowKey> canonical = target.canonical(keysOf(batch));
                    for (Logged<ChangeEvent> change : batch) {
                        if (isOlder(change, to)) {
                            continue;
                        }
                        if (truncates(change)) {
                            histories.replaceAll(
                                    (key, history) ->
                                            history.partition() == change.partition()
                                                    ? next(key, history, change, hidden, matcher)
                                                    : history);
                        } else if (isOfTable(change)) {
                            histories.computeIfPresent(
                                    canonical.get(keyOf(change)),
                                    (key, history) -> next(key, history, change, hidden, matcher));
                        }
                    }
                    matcher.matchAdded();
                });
        return histories;
    }

    private static KeyHistory next(
            RowKey key,
            KeyHistory history,
            Logged<ChangeEvent> change,
            Set<Long> hidden,
            SourceImageMatcher matcher) {
        KeyHistory next = history.after(change, hidden);
        matcher.add(key, change.content(), next.image());
        return next;
    }

    RowMapper mapper() {
        return mapping.mapper();
    }

    /// The first offset of each partition of the log that is kept while the reconciliation runs.
    Map<Integer, Long> begins() {
        return held.after(log.begins(LogTopic.CHANGES));
    }

    /// Whether a log with these first offsets contains the whole generation.
    boolean isComplete(Map<Integer, Long> begins) {
        Map<Integer, Long> ofGeneration = progress.changesBegins();
        return begins.entrySet().stream()
                .allMatch(
                        begin -> begin.getValue() <= ofGeneration.getOrDefault(begin.getKey(), 0L));
    }

    private boolean isOlder(Logged<ChangeEvent> change, StoredPositions stored) {
        StoredPositions.Position position = stored.partitions().get(change.partition());
        return position != null && change.content().generation() < position.token().generation();
    }

    /// The changes that the stored tokens cover.
    private static List<Logged<ChangeEvent>> applied(
            List<Logged<ChangeEvent>> read, StoredPositions to) {
        return read.stream().filter(change -> isApplied(change, to)).toList();
    }

    static boolean isApplied(Logged<ChangeEvent> change, StoredPositions to) {
        StoredPositions.Position position = to.partitions().get(change.partition());
        return position != null
                && new Token(change.content().generation(), change.offset(), change.index())
                                .compareTo(position.token())
                        <= 0;
    }

    private boolean truncates(Logged<ChangeEvent> change) {
        return change.content() instanceof ChangeEvent.Truncate truncate
                && truncate.table().equals(mapping.source());
    }

    private boolean isOfTable(Logged<ChangeEvent> change) {
        return change.content() instanceof ChangeEvent.OfRow row
                && row.table().equals(mapping.source());
    }

    private RowKey keyOf(Logged<ChangeEvent> change) {
        return mapping.mapper().key(((ChangeEvent.OfRow) change.content()).row()).key();
    }

    private List<RowKey> keysOf(List<Logged<ChangeEvent>> changes) {
        return changes.stream().filter(this::isOfTable).map(this::keyOf).distinct().toList();
    }

    /// The range includes the block at the stored token's offset, which may be applied in part.
    private static Map<Integer, OffsetRange> ranges(Map<Integer, Long> from, StoredPositions to) {
        Map<Integer, OffsetRange> ranges = new LinkedHashMap<>();
        from.forEach(
                (partition, offset) -> {
                    StoredPositions.Position stored = to.partitions().get(partition);
                    if (stored != null) {
                        ranges.put(
                                partition,
                                new OffsetRange(offset, stored.token().changesOffset() + 1));
                    }
                });
        return ranges;
    }

    /// What a range of the log contains about one key.
    ///
    /// @param image the image after the last change
    /// @param partition of the last change, -1 for none
    /// @param byHidden whether a change belongs to a transaction that was not visible on the source
    record KeyHistory(KeyImage image, int partition, boolean byHidden) {

        static final KeyHistory NONE = new KeyHistory(new KeyImage.Unknown(), -1, false);

        KeyHistory after(Logged<ChangeEvent> change, Set<Long> hidden) {
            boolean isHidden =
                    change.content() instanceof ChangeEvent.OfRow row
                                    && row.origin().isOfOne(hidden)
                            || change.content() instanceof ChangeEvent.Truncate truncate
                                    && truncate.origin().isOfOne(hidden);
            return new KeyHistory(
                    KeyImage.after(image, change), change.partition(), byHidden || isHidden);
        }
    }

    /// The row of one source key, folded from its changes in the range of the log that was read.
    /// Immutable.
    sealed interface KeyImage {

        /// The range contains no change of the key.
        record Unknown() implements KeyImage {}

        /// @param source the row after its last change; its unchanged cells are filled from older
        ///   changes of the range, where they contain them
        record Present(Row source) implements KeyImage {}

        record Deleted() implements KeyImage {}

        static KeyImage after(KeyImage before, Logged<ChangeEvent> change) {
            return switch (change.content()) {
                case ChangeEvent.Read read -> new Present(read.row().detached());
                case ChangeEvent.Insert insert -> new Present(insert.row().detached());
                case ChangeEvent.Update update -> new Present(merged(before, update.row()));
                case ChangeEvent.Delete _, ChangeEvent.Truncate _ -> new Deleted();
                case ChangeEvent.BackfillComplete _, ChangeEvent.Watermark _ -> before;
            };
        }

        /// True when an older part of the log cannot add anything.
        default boolean isComplete() {
            return switch (this) {
                case Unknown _ -> false;
                case Present(Row source) -> !source.isPartial();
                case Deleted _ -> true;
            };
        }

        private static Row merged(KeyImage before, Row row) {
            @Nullable Row older = before instanceof Present(Row source) ? source : null;
            return older != null && older.schema().equals(row.schema())
                    ? row.over(older)
                    : row.detached();
        }
    }
}
