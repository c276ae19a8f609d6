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

/// Transforms one record of the changes topic into records of the target topic: a pure function of
/// the record and its offset. Each event of a row gives one upsert or delete per mapping, so that a
/// row that leaves the WHERE is deleted, and reading a filtered row again deletes it. A row that
/// cannot be mapped gives a rejected record, in the same order. Thread-safe.
///
/// The outputs of one record are numbered in the order of their target tables, not in the order of
/// the file: a stored token must identify the same output after the file was reordered.
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

    /// @param offset offset of the record in its partition of the changes topic
    List<TargetChange> apply(ChangeEvent event, long offset) {
        if (event.generation() < generation) {
            return List.of();
        }
        if (event.generation() > generation) {
            throw new IllegalStateException(
                    "the log is at generation "
                            + event.generation()
                            + ", but these mappings run generation "
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
            case ChangeEvent.Read read -> upserts(read, offset, changes);
            case ChangeEvent.Insert insert -> upserts(insert, offset, changes);
            case ChangeEvent.Update update -> upserts(update, offset, changes);
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

    private void upserts(ChangeEvent.OfRow event, long offset, List<TargetChange> changes) {
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
