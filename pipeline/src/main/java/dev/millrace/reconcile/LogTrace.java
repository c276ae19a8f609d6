package dev.millrace.reconcile;

import dev.millrace.change.ChangeEvent;
import dev.millrace.change.RowKey;
import dev.millrace.chunk.StoredPositions;
import dev.millrace.chunk.TargetSnapshot;
import dev.millrace.log.ChangeLog;
import dev.millrace.log.LogTopic;
import dev.millrace.log.Logged;
import dev.millrace.log.OffsetRange;
import dev.millrace.select.Mapping;
import dev.millrace.select.RowMapper;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/// Finds the changes of a table's keys in the changes topic, up to what the target had stored. Keys
/// are target keys in the target's texts. One thread.
final class LogTrace {

    private final ChangeLog log;
    private final Road road;
    private final Cancellation cancellation;
    private final Mapping mapping;

    LogTrace(Instruments with, Mapping mapping) {
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
            SourceWitness witness) {
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
            SourceWitness witness) {
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
}
