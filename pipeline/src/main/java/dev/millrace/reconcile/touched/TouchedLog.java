package dev.millrace.reconcile.touched;

import dev.millrace.change.ChangeEvent;
import dev.millrace.change.RowKey;
import dev.millrace.change.TableId;
import dev.millrace.digest.StoredState.StoredPositions;
import dev.millrace.kafka.ChangeLog;
import dev.millrace.kafka.ChangeLog.Logged;
import dev.millrace.mapping.Mapping;
import dev.millrace.reconcile.Cancellation;
import dev.millrace.reconcile.KeyChangeReader;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/// The target keys that a range of the changes topic changes, for several mappings in one read.
/// Keys are the texts that the mappings give. Not thread-safe.
final class TouchedLog {

    private final Map<TableId, List<Mapping>> bySource;
    private final Map<Mapping, Set<RowKey>> keys = new HashMap<>();
    private final Set<Mapping> truncated = new HashSet<>();
    private final long most;

    private TouchedLog(Collection<Mapping> mappings, long most) {
        this.bySource = mappings.stream().collect(Collectors.groupingBy(Mapping::source));
        mappings.forEach(mapping -> keys.put(mapping, new LinkedHashSet<>()));
        this.most = most;
    }

    /// Reads from these offsets up to the stored positions. The block at a stored position is read
    /// whole: a key too many is compared without need.
    ///
    /// @param most keys that are kept of one mapping
    static TouchedLog read(
            ChangeLog log,
            Map<Integer, Long> from,
            StoredPositions to,
            Collection<Mapping> mappings,
            long most,
            Cancellation cancellation) {
        TouchedLog touched = new TouchedLog(mappings, most);
        log.changes(
                KeyChangeReader.ranges(from, to),
                read -> {
                    cancellation.check();
                    read.forEach(touched::add);
                });
        return touched;
    }

    private void add(Logged<ChangeEvent> change) {
        switch (change.content()) {
            case ChangeEvent.OfRow of ->
                    bySource.getOrDefault(of.table(), List.of())
                            .forEach(mapping -> add(mapping, of));
            case ChangeEvent.Truncate truncate ->
                    truncated.addAll(bySource.getOrDefault(truncate.table(), List.of()));
            case ChangeEvent.BackfillComplete _, ChangeEvent.Watermark _ -> {}
        }
    }

    private void add(Mapping mapping, ChangeEvent.OfRow change) {
        Set<RowKey> known = keys.getOrDefault(mapping, Set.of());
        if (known.size() < most) {
            known.add(mapping.mapper().key(change.row()).key());
        }
    }

    /// The keys that have a change, up to the limit.
    Set<RowKey> keys(Mapping mapping) {
        return keys.getOrDefault(mapping, Set.of());
    }

    /// Whether the source table was truncated: then every key of it was touched.
    boolean isTruncated(Mapping mapping) {
        return truncated.contains(mapping);
    }

    boolean isTouched(Mapping mapping) {
        return isTruncated(mapping) || !keys(mapping).isEmpty();
    }
}
