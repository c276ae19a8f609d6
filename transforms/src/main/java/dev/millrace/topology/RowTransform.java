package dev.millrace.topology;

import dev.millrace.change.ChangeBlock;
import dev.millrace.change.ChangeEvent;
import dev.millrace.change.Row;
import dev.millrace.change.TableId;
import dev.millrace.change.TargetChange;
import dev.millrace.change.Token;
import dev.millrace.mapping.Mapping;
import dev.millrace.mapping.RowMapper.MappedRow;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// Transforms the changes of one block into target changes: a pure function of the block and its
/// offset. Each change of a row gives one upsert or delete per mapping that concerns it, so that a
/// row that leaves the WHERE is deleted, and reading a filtered row again deletes it. A row that
/// cannot be mapped gives a rejected change, in the same order. A change that a later read
/// completes gives an upsert only where all cells of the result are known: an insert deletes the
/// target's row otherwise, an update has no output. A row that is too large for the log is rejected
/// by each mapping that needs its largest cells. Thread-safe.
///
/// All outputs of a change have its token. They are in the order of their target tables, so that
/// the output does not depend on the order of the file.
final class RowTransform {

    /// A target table has one SELECT.
    private static final int ONLY_MAPPING = 0;

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

    /// Whether the block belongs to the generation of these mappings; older blocks have no output.
    ///
    /// @throws IllegalStateException when the block is of a newer generation
    boolean applies(ChangeBlock block) {
        if (block.generation() > generation) {
            throw new IllegalStateException(
                    "the log is at generation "
                            + block.generation()
                            + ", but these mappings run generation "
                            + generation);
        }
        return block.generation() == generation;
    }

    TargetChange.Watermark map(ChangeEvent.Watermark watermark, Token token) {
        return new TargetChange.Watermark(token, watermark.watermark());
    }

    TargetChange.Truncate map(ChangeEvent.Truncate truncate, Token token) {
        return new TargetChange.Truncate(token, targets(truncate.table()), truncate.id());
    }

    TargetChange.BackfillComplete map(ChangeEvent.BackfillComplete complete, Token token) {
        return new TargetChange.BackfillComplete(token, targets(complete.table()));
    }

    private List<TableId> targets(TableId source) {
        return of(source).stream().map(mapping -> mapping.target().table()).toList();
    }

    List<TargetChange> map(ChangeEvent.OfRow change, Token token) {
        List<Mapping> mappings = of(change.table());
        List<TargetChange> outputs = new ArrayList<>(mappings.size());
        for (Mapping mapping : mappings) {
            if (!mapping.mapper().concerns(change.row())) {
                continue;
            }
            if (change instanceof ChangeEvent.Delete delete) {
                outputs.add(new TargetChange.Delete(token, mapping.mapper().key(delete.row())));
            } else {
                written(mapping, change, token).ifPresent(outputs::add);
            }
        }
        return fitting(outputs, change.row());
    }

    /// All outputs of a change are in one record. If they do not fit, the largest are rejected.
    private static List<TargetChange> fitting(List<TargetChange> outputs, Row source) {
        long bytes = 0;
        for (TargetChange output : outputs) {
            bytes += size(output);
        }
        if (bytes <= ChangeBlock.LARGEST) {
            return outputs;
        }
        List<TargetChange> fitting = new ArrayList<>(outputs);
        Row image = source.fitting(ChangeBlock.LARGEST / (2 * outputs.size()));
        long left = bytes;
        while (left > ChangeBlock.LARGEST) {
            TargetChange largest =
                    Collections.max(fitting, Comparator.comparingLong(RowTransform::size));
            TargetChange rejected = rejected(largest, bytes, image);
            fitting.set(fitting.indexOf(largest), rejected);
            left += size(rejected) - size(largest);
        }
        return fitting;
    }

    private static long size(TargetChange output) {
        return switch (output) {
            case TargetChange.Upsert(var _, Row row) -> row.size();
            case TargetChange.Rejected rejected -> rejected.image().size();
            case TargetChange.Delete _,
                    TargetChange.Truncate _,
                    TargetChange.BackfillComplete _,
                    TargetChange.Watermark _ ->
                    0;
        };
    }

    private static TargetChange rejected(TargetChange largest, long bytes, Row image) {
        return switch (largest) {
            case TargetChange.Upsert(Token token, Row row) ->
                    new TargetChange.Rejected(
                            token,
                            row.table(),
                            ONLY_MAPPING,
                            "What a row of "
                                    + image.table()
                                    + " gives to the target has "
                                    + bytes
                                    + " bytes, and a record of the log can hold at most "
                                    + ChangeBlock.LARGEST
                                    + ". Make the values smaller on the source. Then run millrace"
                                    + " rejected retry.",
                            Optional.of(row.keyOnly()),
                            image);
            case TargetChange.Rejected rejected ->
                    new TargetChange.Rejected(
                            rejected.token(),
                            rejected.target(),
                            rejected.mapping(),
                            rejected.reason(),
                            rejected.targetKey(),
                            image);
            case TargetChange.Delete _,
                    TargetChange.Truncate _,
                    TargetChange.BackfillComplete _,
                    TargetChange.Watermark _ ->
                    throw new IllegalStateException("It has no bytes: " + largest);
        };
    }

    private static Optional<TargetChange> written(
            Mapping mapping, ChangeEvent.OfRow change, Token token) {
        Row row = change.row();
        if (change instanceof ChangeEvent.Oversized oversized) {
            return Optional.of(fitting(mapping, oversized, token));
        }
        return switch (mapping.mapper().map(row)) {
            case MappedRow.Upsert(var mapped) ->
                    change.awaitsRead() && mapped.isPartial()
                            ? untilRead(mapping, change, token)
                            : Optional.of(new TargetChange.Upsert(token, mapped));
            case MappedRow.Delete(var key) -> Optional.of(new TargetChange.Delete(token, key));
            case MappedRow.Incomplete(var reason) ->
                    change.awaitsRead()
                            ? untilRead(mapping, change, token)
                            : Optional.of(rejected(mapping, row, reason, token));
            case MappedRow.Rejected(var reason) ->
                    Optional.of(rejected(mapping, row, reason, token));
        };
    }

    /// A row of which the log has not all cells, and no read gives more. Only a mapping that needs
    /// none of them gives the target's row.
    private static TargetChange fitting(
            Mapping mapping, ChangeEvent.Oversized change, Token token) {
        Row row = change.row();
        return switch (mapping.mapper().map(row)) {
            case MappedRow.Upsert(var mapped) ->
                    mapped.isPartial()
                            ? rejected(mapping, row, change.reason(), token)
                            : new TargetChange.Upsert(token, mapped);
            case MappedRow.Delete(var key) -> new TargetChange.Delete(token, key);
            case MappedRow.Incomplete _ -> rejected(mapping, row, change.reason(), token);
            case MappedRow.Rejected(var reason) -> rejected(mapping, row, reason, token);
        };
    }

    /// A change without all cells, which a later read completes. What the target has of a key that
    /// was just inserted is stale; an updated row keeps its cells until the read replaces them.
    private static Optional<TargetChange> untilRead(
            Mapping mapping, ChangeEvent.OfRow change, Token token) {
        return change instanceof ChangeEvent.Insert
                ? Optional.of(new TargetChange.Delete(token, mapping.mapper().key(change.row())))
                : Optional.empty();
    }

    private static TargetChange.Rejected rejected(
            Mapping mapping, Row row, String reason, Token token) {
        return new TargetChange.Rejected(
                token,
                mapping.target().table(),
                ONLY_MAPPING,
                reason,
                targetKey(mapping, row),
                row);
    }

    /// Empty when the key itself is what cannot be computed.
    private static Optional<Row> targetKey(Mapping mapping, Row row) {
        try {
            return Optional.of(mapping.mapper().key(row));
        } catch (IllegalStateException _) {
            return Optional.empty();
        }
    }

    private List<Mapping> of(TableId source) {
        return bySource.getOrDefault(source, List.of());
    }
}
