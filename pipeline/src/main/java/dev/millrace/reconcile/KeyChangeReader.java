package dev.millrace.reconcile;

import dev.millrace.change.ChangeEvent;
import dev.millrace.change.Row;
import dev.millrace.change.RowKey;
import dev.millrace.digest.StoredState.StoredPositions;
import dev.millrace.digest.TargetSnapshot;
import dev.millrace.kafka.ChangeLog;
import dev.millrace.kafka.ChangeLog.LogTopic;
import dev.millrace.kafka.ChangeLog.Logged;
import dev.millrace.kafka.TopicReader.OffsetRange;
import dev.millrace.mapping.Mapping;
import dev.millrace.mapping.RowMapper;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// Finds the changes of a table's keys in the changes topic, up to what the target had stored. Keys
/// are target keys in the target's texts. One thread.
final class KeyChangeReader {

    private final ChangeLog log;
    private final ReplicationProgress road;
    private final Cancellation cancellation;
    private final Mapping mapping;

    KeyChangeReader(ReconcileContext with, Mapping mapping) {
        this.log = with.log();
        this.road = with.road();
        this.cancellation = with.cancellation();
        this.mapping = mapping;
    }

    /// Which of the keys have a change between these offsets and the stored ones.
    Set<RowKey> touched(
            Map<Integer, Long> from, TargetSnapshot target, StoredPositions to, Set<RowKey> keys) {
        Set<RowKey> touched = new HashSet<>();
        log.changes(
                ranges(from, to),
                some -> {
                    cancellation.check();
                    if (some.stream().anyMatch(this::empties)) {
                        touched.addAll(keys);
                    }
                    touched.addAll(target.canonical(keysOf(some)).values());
                });
        touched.retainAll(keys);
        return touched;
    }

    /// The history of each key between these offsets and the stored ones, shown to the witness.
    Map<RowKey, KeyHistory> histories(
            Map<Integer, Long> from,
            TargetSnapshot target,
            StoredPositions to,
            Set<RowKey> keys,
            Set<Long> hidden,
            SourceImageMatcher witness) {
        Map<RowKey, KeyHistory> histories = new HashMap<>();
        keys.forEach(key -> histories.put(key, KeyHistory.NONE));
        log.changes(
                ranges(from, to),
                some -> {
                    cancellation.check();
                    Map<RowKey, RowKey> canonical = target.canonical(keysOf(some));
                    for (Logged<ChangeEvent> change : some) {
                        if (isOlder(change, to)) {
                            continue;
                        }
                        if (empties(change)) {
                            histories.replaceAll(
                                    (key, history) ->
                                            history.partition() == change.partition()
                                                    ? next(key, history, change, hidden, witness)
                                                    : history);
                        } else if (isOfTable(change)) {
                            histories.computeIfPresent(
                                    canonical.get(keyOf(change)),
                                    (key, history) -> next(key, history, change, hidden, witness));
                        }
                    }
                    witness.weigh();
                });
        return histories;
    }

    private static KeyHistory next(
            RowKey key,
            KeyHistory history,
            Logged<ChangeEvent> change,
            Set<Long> hidden,
            SourceImageMatcher witness) {
        KeyHistory next = history.after(change, hidden);
        witness.take(key, change.content(), next.image());
        return next;
    }

    RowMapper mapper() {
        return mapping.mapper();
    }

    /// Where the log begins.
    Map<Integer, Long> begins() {
        return log.begins(LogTopic.CHANGES);
    }

    /// Whether a log that begins there holds the whole generation.
    boolean isWhole(Map<Integer, Long> begins) {
        Map<Integer, Long> ofGeneration = road.changesBegins();
        return begins.entrySet().stream()
                .allMatch(
                        begin -> begin.getValue() <= ofGeneration.getOrDefault(begin.getKey(), 0L));
    }

    private boolean isOlder(Logged<ChangeEvent> change, StoredPositions stored) {
        StoredPositions.Position position = stored.partitions().get(change.partition());
        return position != null && change.content().generation() < position.token().generation();
    }

    private boolean empties(Logged<ChangeEvent> change) {
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

    /// The change at the stored token's offset is in it: it may have been applied.
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

    /// What a stretch of the log says of one key.
    ///
    /// @param image after the last change
    /// @param before that change
    /// @param last offset of the last change, -1 for none
    /// @param byHidden one of the changes belongs to a transaction that the source didn't show
    record KeyHistory(KeyImage image, KeyImage before, int partition, long last, boolean byHidden) {

        static final KeyHistory NONE =
                new KeyHistory(new KeyImage.Unseen(), new KeyImage.Unseen(), -1, -1, false);

        KeyHistory after(Logged<ChangeEvent> change, Set<Long> hidden) {
            boolean hides =
                    change.content() instanceof ChangeEvent.OfRow row
                                    && row.origin().isOfOne(hidden)
                            || change.content() instanceof ChangeEvent.Truncate truncate
                                    && truncate.origin().isOfOne(hidden);
            return new KeyHistory(
                    KeyImage.after(image, change),
                    image,
                    change.partition(),
                    change.offset(),
                    byHidden || hides);
        }
    }

    /// What the log says of one source key as far as it was read: folded from its changes in order.
    /// Pure.
    sealed interface KeyImage {

        record Unseen() implements KeyImage {}

        /// @param source the row after its last change, unchanged cells filled from older ones
        ///   where the log that was read holds them
        record Present(Row source) implements KeyImage {}

        record Gone() implements KeyImage {}

        static KeyImage after(KeyImage before, Logged<ChangeEvent> change) {
            return switch (change.content()) {
                case ChangeEvent.Read read -> new Present(read.row());
                case ChangeEvent.Insert insert -> new Present(insert.row());
                case ChangeEvent.Update update -> new Present(laidOver(before, update.row()));
                case ChangeEvent.Delete _, ChangeEvent.Truncate _ -> new Gone();
                case ChangeEvent.Watermark _ -> before;
            };
        }

        /// True when nothing more can be learned from an older part of the log.
        default boolean isWhole() {
            return switch (this) {
                case Unseen _ -> false;
                case Present(Row source) -> !source.isPartial();
                case Gone _ -> true;
            };
        }

        private static Row laidOver(KeyImage before, Row row) {
            @Nullable Row older = before instanceof Present(Row source) ? source : null;
            return older != null && older.schema().equals(row.schema()) ? row.over(older) : row;
        }
    }
}
