package dev.millrace.mapping;

import dev.millrace.change.Row;
import dev.millrace.expression.Cells;
import dev.millrace.expression.Typed;
import dev.millrace.expression.Values;
import dev.millrace.sql.Kind;
import dev.millrace.sql.Node;
import dev.millrace.sql.Relation;
import dev.millrace.sql.ValueType;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// One result column. Immutable.
///
/// @param at offset in the SELECT
/// @param node the column's expression; a column of a `*` included
/// @param name the column's name, `null` when PostgreSQL uses `?column?`
/// @param value how the value is produced
record Output(int at, Node node, @Nullable String name, Value value) {

    sealed interface Value {

        /// The source's cell unchanged; never parsed.
        ///
        /// @param number the column's number among the used ones
        record Copy(int number, Relation.Column column) implements Value {}

        record Computed(Typed typed) implements Value {}
    }

    ValueType type() {
        return switch (value) {
            case Value.Copy(_, Relation.Column column) -> ValueType.ofColumn(column.type());
            case Value.Computed(Typed typed) -> typed.type();
        };
    }

    /// The source column that has the same value, if there is one. A cast between integer types
    /// keeps the number or fails.
    Optional<String> copied(Relation source) {
        return switch (value) {
            case Value.Copy(_, Relation.Column column) -> Optional.of(column.name());
            case Value.Computed _ ->
                    node instanceof Node.Cast(_, Node.Column(_, _, String from), _)
                                    && isInteger(source, from)
                                    && keepsIntegers(type())
                            ? Optional.of(from)
                            : Optional.empty();
        };
    }

    private static boolean isInteger(Relation source, String column) {
        return source.column(column)
                .map(found -> ValueType.ofColumn(found.type()).kind().isInteger())
                .orElse(false);
    }

    private static boolean keepsIntegers(ValueType type) {
        return type.kind().isInteger()
                || type.kind() == Kind.NUMERIC && (!type.isConstrained() || type.scale() >= 0);
    }

    /// Fails when the cell is a copy of an unchanged cell.
    ///
    /// @throws RowError that names the column
    void requireSent(Cells cells) {
        switch (value) {
            case Value.Copy(int number, _) -> cells.text(number);
            case Value.Computed _ -> {}
        }
    }

    /// Writes the column's cell to a target row.
    ///
    /// @throws RowError when PostgreSQL raises an error
    void write(Cells cells, Row.Builder target, int position) {
        switch (value) {
            case Value.Copy(int number, _) -> cells.copy(number, target, position);
            case Value.Computed(Typed typed) -> {
                Object result = typed.evaluator().value(cells);
                target.text(position, result == null ? null : Values.print(result));
            }
        }
    }
}
