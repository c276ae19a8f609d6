package dev.millrace.stream;

import dev.millrace.backfill.Backfill.ExistingRows;
import dev.millrace.capture.position.TablePause;
import dev.millrace.change.TableId;
import dev.millrace.control.stopped.StoppedTables;
import dev.millrace.mapping.Mapping;
import dev.millrace.spec.MigrationSpec.Backfill;
import dev.millrace.spec.source.SchemaChange.Kind;
import dev.millrace.spec.source.SchemaChange.Policy;
import dev.millrace.sql.Relation;
import java.sql.SQLException;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/// Stops the target tables of a source table whose definition has changed, in the control schema,
/// where apply finds it before its next batch. Their changes stay in the log, and other tables go
/// on. Not thread-safe; confined to the capture thread.
///
/// Tables of which the stream lacks changes go to [TablesToRead].
final class SchemaPause implements TablePause {

    private final ReplicationStream stream;
    private final int generation;
    private final TablesToRead toRead;
    private final Map<TableId, Set<String>> columns;

    SchemaPause(ReplicationStream stream, int generation, TablesToRead toRead) {
        this.stream = stream;
        this.generation = generation;
        this.toRead = toRead;
        this.columns =
                stream.tables().sources().stream()
                        .collect(Collectors.toMap(Relation::id, this::columnsOf));
    }

    private Set<String> columnsOf(Relation planned) {
        Set<String> all =
                planned.columns().stream().map(Relation.Column::name).collect(Collectors.toSet());
        Set<String> read = new HashSet<>(planned.key());
        for (Mapping mapping : mappings(planned.id())) {
            read.addAll(mapping.mapper().reads().orElse(all));
        }
        return read;
    }

    @Override
    public boolean reads(TableId source, String column) {
        return columns.getOrDefault(source, Set.of()).contains(column);
    }

    @Override
    public boolean pausesFor(TableId source, boolean attached) {
        Kind kind = attached ? Kind.ATTACH_PARTITION : Kind.DETACH_PARTITION;
        return targets(source).stream()
                .anyMatch(
                        target ->
                                stream.settings().schemaChange().of(target, kind) == Policy.PAUSE);
    }

    /// A row of the target that the source does not have is found by its key.
    @Override
    public boolean mayReadAgain(TableId source) {
        return stream.direction() == Direction.FORWARD
                && stream.settings().backfill() == Backfill.WINDOWS
                && stream.settings().existing() == ExistingRows.READ
                && mappings(source).stream()
                        .allMatch(mapping -> mapping.mapper().keyOrigin().isPresent());
    }

    @Override
    public boolean pause(TableId source, Change change) throws SQLException {
        Map<TableId, String> reasons = new HashMap<>();
        for (TableId target : targets(source)) {
            reasons.put(
                    target,
                    "The source table %s has changed: %s. %s"
                            .formatted(source, change.difference(), next(change, target)));
        }
        if (change.remedy() == Remedy.ACCEPT_AND_READ || change.remedy() == Remedy.RESTORE) {
            toRead.add(reasons.keySet(), source + ": " + change.difference(), true);
        }
        stops().pause(stream.control(), generation, reasons, change.difference());
        return true;
    }

    private static String next(Change change, TableId target) {
        return switch (change.remedy()) {
            case ACCEPT ->
                    "Its changes wait in the log. Check that the target table accepts the values,"
                            + " then run"
                            + " 'millrace resume --table %s --accept-schema', or restore the definition."
                                    .formatted(target);
            case ACCEPT_AND_READ ->
                    "Values may have changed without an event in the stream. Check that the target"
                            + " table accepts the values, then run"
                            + " 'millrace resume --table %s --accept-schema': its rows are then read again. Other tables go on."
                                    .formatted(target);
            case RESTORE ->
                    "The mapping needs the definition as it was. Restore it: the table then"
                            + " continues by itself, and its rows are read again. If the definition"
                            + " must stay, begin a new migration with a file that fits it. Other tables"
                            + " go on.";
            case REBACKFILL ->
                    "The stream may lack changes of it, so its rows must be read again: run"
                            + " 'millrace rebackfill'. Other tables go on.";
        };
    }

    @Override
    public void readAgain(TableId source, Loss loss) throws SQLException {
        toRead.add(targets(source), loss.reason(), loss.whole());
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
        return mappings(source).stream()
                .map(Mapping::target)
                .map(target -> target.table().whole())
                .distinct()
                .toList();
    }

    private List<Mapping> mappings(TableId source) {
        return stream.tables().mappings().stream()
                .filter(mapping -> mapping.source().equals(source))
                .toList();
    }
}
