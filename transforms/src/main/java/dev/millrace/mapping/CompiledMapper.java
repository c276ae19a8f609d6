package dev.millrace.mapping;

import dev.millrace.change.Row;
import dev.millrace.change.RowSchema;
import dev.millrace.expression.Cells;
import dev.millrace.expression.RowError;
import dev.millrace.expression.Typed;
import dev.millrace.expression.Typed.Evaluator;
import dev.millrace.expression.Values;
import dev.millrace.sql.Node;
import dev.millrace.sql.Relation;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/// A compiled SELECT over one source table. Thread-safe.
final class CompiledMapper implements RowMapper {

    private final Relation source;
    private final List<String> columns;
    private final List<Output> outputs;
    private final List<Evaluator> where;
    private final List<Evaluator> share;
    private final RowSchema target;
    private final RowSchema key;
    private final List<Output> keyOutputs;

    /// Positions of the columns in the last row's schema. Schemas rarely change; a race between
    /// threads only repeats the computation.
    private volatile Cells.Positions positions;

    /// @param share conditions over the source's key: rows for which one is not true are not
    ///   concerned
    CompiledMapper(
            Relation source,
            List<String> columns,
            List<Output> outputs,
            List<Typed> where,
            List<Typed> share,
            RowSchema target) {
        this.source = source;
        this.columns = columns;
        this.outputs = outputs;
        this.where = where.stream().map(Typed::evaluator).toList();
        this.share = share.stream().map(Typed::evaluator).toList();
        this.target = target;
        this.key =
                new RowSchema(
                        target.table(),
                        target.keyColumns(),
                        IntStream.range(0, target.key().size()).boxed().toList());
        this.keyOutputs = target.key().stream().map(outputs::get).toList();
        this.positions =
                Cells.Positions.in(new RowSchema(source.id(), List.of(), List.of()), columns);
    }

    @Override
    public MappedRow map(Row row) {
        Cells cells = cells(row);
        try {
            return matches(cells)
                    ? new MappedRow.Upsert(written(cells, target, outputs))
                    : new MappedRow.Delete(written(cells, key, keyOutputs));
        } catch (RowError.UnchangedCell error) {
            return new MappedRow.Incomplete(error.reason());
        } catch (RowError error) {
            return new MappedRow.Rejected(error.reason());
        }
    }

    @Override
    public boolean concerns(Row row) {
        if (share.isEmpty()) {
            return true;
        }
        Cells cells = cells(row);
        return share.stream().allMatch(condition -> Boolean.TRUE.equals(condition.value(cells)));
    }

    @Override
    public boolean isFiltered() {
        return !where.isEmpty();
    }

    @Override
    public boolean takesEveryRow() {
        return where.isEmpty() && share.isEmpty();
    }

    @Override
    public Map<String, String> copies() {
        Map<String, String> copies = new LinkedHashMap<>();
        for (Output output : outputs) {
            output.copied(source)
                    .ifPresent(column -> copies.put(String.valueOf(output.name()), column));
        }
        return copies;
    }

    @Override
    public Optional<Set<String>> reads() {
        return Optional.of(Set.copyOf(columns));
    }

    @Override
    public Optional<KeyOrigin> keyOrigin() {
        Map<String, String> from = new HashMap<>();
        Map<String, String> constants = new HashMap<>();
        for (Output output : keyOutputs) {
            String name = String.valueOf(output.name());
            switch (output.value()) {
                case Output.Value.Copy(int _, Relation.Column column) ->
                        from.putIfAbsent(column.name(), name);
                case Output.Value.Computed(Typed typed) -> {
                    if (typed.constant()) {
                        constants.put(name, Values.print(Objects.requireNonNull(typed.value())));
                    } else if (output.node() instanceof Node.Cast(_, Node.Column column, _)) {
                        from.putIfAbsent(column.name(), name);
                    }
                }
            }
        }
        return from.keySet().equals(Set.copyOf(source.key()))
                ? Optional.of(new KeyOrigin(from, constants))
                : Optional.empty();
    }

    /// PostgreSQL selects the order of the conditions, cheap ones first, and stops at one that is
    /// not true. An error therefore counts only when every other condition is true. An unchanged
    /// cell counts first: its condition may be the one that is not true.
    private boolean matches(Cells cells) {
        @Nullable RowError failed = null;
        for (Evaluator condition : where) {
            try {
                if (!Boolean.TRUE.equals(condition.value(cells))) {
                    return false;
                }
            } catch (RowError error) {
                failed = failed instanceof RowError.UnchangedCell ? failed : error;
            }
        }
        if (failed != null) {
            throw failed;
        }
        return true;
    }

    @Override
    public Row key(Row row) {
        try {
            return written(cells(row), key, keyOutputs);
        } catch (RowError error) {
            throw new IllegalStateException(
                    "the key of " + target.table() + " cannot be computed: " + error.reason());
        }
    }

    private Row written(Cells cells, RowSchema schema, List<Output> outputs) {
        keyOutputs.forEach(output -> output.requireSent(cells));
        Row.Builder row = new Row.Builder(schema);
        for (int i = 0; i < outputs.size(); i++) {
            outputs.get(i).write(cells, row, i);
        }
        return row.build();
    }

    private Cells cells(Row row) {
        Cells.Positions known = positions;
        if (!known.schema().equals(row.schema())) {
            known = Cells.Positions.in(row.schema(), columns);
            positions = known;
        }
        return new Cells(row, known, source);
    }
}
