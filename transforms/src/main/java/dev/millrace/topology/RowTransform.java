package dev.millrace.topology;

import dev.millrace.change.ChangeEvent;
import dev.millrace.change.TableId;
import dev.millrace.change.TargetChange;
import dev.millrace.change.Token;
import dev.millrace.mapping.Mapping;
import dev.millrace.mapping.RowMapper.MappedRow;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/// What one record of the changes topic becomes in the target topic: a pure function of the record
/// and its offset. Every event of a row gives, per mapping, an upsert or a delete, so that a row
/// leaving the WHERE goes, and a re-read of a filtered row removes it; what can't be mapped goes
/// the same road, in order, as a reject.
///
/// The outputs of one record are numbered by the names of their target tables, not by the order of
/// the file: a stored token must mean the same output after the file was reordered.
final class RowTransform {

    private final int generation;
    private final Map<TableId, List<Mapping>> bySource = new HashMap<>();

    RowTransform(int generation, List<Mapping> mappings) {
        this.generation = generation;
        for (Mapping mapping : mappings) {
            bySource.computeIfAbsent(mapping.source(), _ -> new ArrayList<>()).add(mapping);
        }
        bySource.values()
                .forEach(
                        all -> all.sort(Comparator.comparing(mapping -> mapping.target().table())));
    }

    /// @param offset of the record in its partition of the changes topic
    List<TargetChange> apply(ChangeEvent event, long offset) {
        if (event.generation() < generation) {
            return List.of();
        }
        if (event.generation() > generation) {
            throw new IllegalStateException(
                    "the log is at generation "
                            + event.generation()
                            + ", these mappings run generation "
                            + generation);
        }
        List<TargetChange> changes = new ArrayList<>();
        switch (event) {
            case ChangeEvent.Watermark watermark ->
                    changes.add(
                            new TargetChange.Watermark(token(offset, 0), watermark.watermark()));
            case ChangeEvent.Truncate truncate -> {
                for (Mapping mapping : of(truncate.table())) {
                    changes.add(
                            new TargetChange.Truncate(
                                    token(offset, changes.size()),
                                    mapping.target().table(),
                                    truncate.id()));
                }
            }
            case ChangeEvent.Read read -> present(read, offset, changes);
            case ChangeEvent.Insert insert -> present(insert, offset, changes);
            case ChangeEvent.Update update -> present(update, offset, changes);
            case ChangeEvent.Delete delete -> {
                for (Mapping mapping : of(delete.table())) {
                    changes.add(
                            new TargetChange.Delete(
                                    token(offset, changes.size()),
                                    mapping.mapper().key(delete.row())));
                }
            }
        }
        return changes;
    }

    private void present(ChangeEvent.OfRow event, long offset, List<TargetChange> changes) {
        for (Mapping mapping : of(event.table())) {
            Token token = token(offset, changes.size());
            changes.add(
                    switch (mapping.mapper().map(event.row())) {
                        case MappedRow.Upsert(var row) -> new TargetChange.Upsert(token, row);
                        case MappedRow.Delete(var key) -> new TargetChange.Delete(token, key);
                        case MappedRow.Rejected(var reason) ->
                                new TargetChange.Rejected(
                                        token, mapping.target().table(), event.row().key(), reason);
                    });
        }
    }

    private List<Mapping> of(TableId source) {
        return bySource.getOrDefault(source, List.of());
    }

    private Token token(long offset, int ordinal) {
        return new Token(generation, offset, ordinal);
    }
}
