package dev.millrace.reconcile;

import dev.millrace.change.ChangeEvent;
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
import dev.millrace.reconcile.KeyHistories.KeyImage;
import dev.millrace.retention.LogHolds;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.UnaryOperator;

/// Finds the changes of a table's keys in the changes topic, up to the position that the target had
/// stored. Keys are target keys in the target's text form. Not thread-safe; confined to the
/// reconciliation's thread.
public final class KeyChangeReader {

    private final ChangeLog log;
    private final LogHolds.Hold held;
    private final ReplicationProgress progress;
    private final Cancellation cancellation;
    private final Mapping mapping;

    public KeyChangeReader(ReconcileContext with, Mapping mapping) {
        this.log = with.log();
        this.held = with.held();
        this.progress = with.progress();
        this.cancellation = with.cancellation();
        this.mapping = mapping;
    }

    /// The keys that have a change between these offsets and the stored ones.
    public Set<RowKey> touched(
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

    /// The keys of a part of the table that have a change between these offsets and the stored
    /// ones.
    ///
    /// @param part which of some keys are in that part
    /// @return empty when the table was truncated, or when there are more keys than this
    public Optional<Set<RowKey>> touched(
            Map<Integer, Long> from,
            TargetSnapshot target,
            StoredPositions to,
            UnaryOperator<Set<RowKey>> part,
            int most) {
        Set<RowKey> touched = new HashSet<>();
        AtomicBoolean all = new AtomicBoolean();
        log.changes(
                ranges(from, to),
                read -> {
                    cancellation.check();
                    List<Logged<ChangeEvent>> batch = applied(read, to);
                    if (all.get() || batch.stream().anyMatch(this::truncates)) {
                        all.set(true);
                        return;
                    }
                    Set<RowKey> keys = new HashSet<>(target.canonical(keysOf(batch)).values());
                    keys.removeAll(touched);
                    touched.addAll(part.apply(keys));
                    all.set(touched.size() > most);
                });
        return all.get() ? Optional.empty() : Optional.of(touched);
    }

    /// Reads the histories of keys between these offsets and the stored ones. Every image is also
    /// added to the matchers.
    void read(
            Map<Integer, Long> from,
            TargetSnapshot target,
            StoredPositions to,
            KeyHistories histories,
            List<SourceImageMatcher> matchers) {
        log.changes(
                ranges(from, to),
                read -> {
                    cancellation.check();
                    List<Logged<ChangeEvent>> batch = applied(read, to);
                    Map<RowKey, RowKey> canonical = target.canonical(keysOf(batch));
                    for (Logged<ChangeEvent> change : batch) {
                        if (!isOlder(change, to)) {
                            for (RowKey key : keysOf(change, canonical, histories)) {
                                KeyImage image = histories.add(key, change);
                                matchers.forEach(
                                        matcher -> matcher.add(key, change.content(), image));
                            }
                        }
                    }
                    matchers.forEach(SourceImageMatcher::matchAdded);
                });
    }

    /// The keys that are read and that the change is about.
    private List<RowKey> keysOf(
            Logged<ChangeEvent> change, Map<RowKey, RowKey> canonical, KeyHistories histories) {
        if (truncates(change)) {
            return histories.ofPartition(change.partition());
        }
        RowKey key = isOfTable(change) ? canonical.get(keyOf(change)) : null;
        return key != null && histories.isRead(key) ? List.of(key) : List.of();
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
    public static Map<Integer, OffsetRange> ranges(Map<Integer, Long> from, StoredPositions to) {
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
