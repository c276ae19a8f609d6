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
import java.util.Optional;
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
    public boolean pausesFor(TableId source, PartitionChange change) {
        Kind kind =
                switch (change) {
                    case ATTACHED -> Kind.ATTACH_PARTITION;
                    case DETACHED -> Kind.DETACH_PARTITION;
                };
        return targets(source).stream()
                .anyMatch(
                        target ->
                                stream.settings().schemaChange().of(target, kind) == Policy.PAUSE);
    }

    /// A row of the target that the source does not have is found by its key.
    @Override
    public Optional<String> whyNotReadAgain(TableId source) {
        if (stream.settings().existing() == ExistingRows.ON_BOTH_SIDES) {
            return Optional.of(
                    "Rows cannot be read again on the way back, so a rollback would lose changes of"
                            + " it. To stay on the target, run 'millrace complete'");
        }
        if (stream.settings().backfill() == Backfill.ENGINE) {
            return Optional.of(
                    "Its rows must be read again in windows, but the file says 'backfill: engine'."
                            + " Set 'backfill: windows', check it with 'millrace plan', and start the"
                            + " service again: 'millrace status' then says how the table continues");
        }
        return mappings(source).stream()
                .filter(mapping -> mapping.mapper().keyOrigin().isEmpty())
                .findFirst()
                .map(SchemaPause::unknownRows);
    }

    private static String unknownRows(Mapping mapping) {
        return "Its rows cannot be read again, because the key of target table %s does not say which row of the source it is. Empty the target and begin a new migration"
                .formatted(mapping.target().table().whole());
    }

    @Override
    public boolean pause(TableId source, Change change) throws SQLException {
        Map<TableId, String> reasons = new HashMap<>();
        for (TableId target : targets(source)) {
            reasons.put(target, change.text(source, target) + ". Other tables go on.");
        }
        // Before the stop, after which an operator can let the table continue.
        if (change.remedy() != Remedy.ACCEPT && change.remedy() != Remedy.NONE) {
            toRead.add(reasons.keySet(), source + ": " + change.difference(), true);
        }
        stops().pause(stream.control(), generation, reasons, change.difference());
        return true;
    }

    @Override
    public Set<TableId> stopped(Collection<TableId> sources) throws SQLException {
        Set<TableId> stopped = stops().forSourceChanges(stream.control(), generation);
        return sources.stream()
                .filter(source -> targets(source).stream().anyMatch(stopped::contains))
                .collect(Collectors.toSet());
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
