package dev.millrace.stream;

import dev.millrace.capture.position.TablePause;
import dev.millrace.change.TableId;
import dev.millrace.control.stopped.StoppedTables;
import dev.millrace.mapping.Mapping;
import java.sql.SQLException;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/// Stops the target tables of a source table whose definition has changed, in the control schema,
/// where apply finds it before its next batch. Their changes stay in the log, and other tables go
/// on. Used by the capture thread.
record SchemaPause(ReplicationStream stream, int generation) implements TablePause {

    private static final String ACCEPTED =
            " Its changes wait in the log. Check that the target table accepts the values, then run"
                    + " 'millrace resume --table %s --accept-schema', or restore the definition.";

    private static final String LOST =
            " Its rows were rewritten, so values may have changed without an event in the stream."
                    + " They must be read again: run 'millrace rebackfill'. Other tables go on.";

    @Override
    public boolean pause(TableId source, Change change) throws SQLException {
        Map<TableId, String> reasons = new HashMap<>();
        for (TableId target : targets(source)) {
            String next = change.isRewritten() ? LOST : ACCEPTED.formatted(target);
            reasons.put(
                    target,
                    "The source table %s has changed: %s.%s"
                            .formatted(source, change.difference(), next));
        }
        stops().pause(stream.control(), generation, reasons, change.difference());
        return true;
    }

    @Override
    public void restored(Collection<TableId> sources, Collection<TableId> changed)
            throws SQLException {
        Set<TableId> targets = new HashSet<>();
        sources.forEach(source -> targets.addAll(targets(source)));
        changed.forEach(source -> targets.removeAll(targets(source)));
        stops().restored(stream.control(), generation, targets);
    }

    private StoppedTables stops() {
        return new StoppedTables(stream.id());
    }

    private List<TableId> targets(TableId source) {
        return stream.tables().mappings().stream()
                .filter(mapping -> mapping.source().equals(source))
                .map(Mapping::target)
                .map(target -> target.table().whole())
                .distinct()
                .toList();
    }
}
