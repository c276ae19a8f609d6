package dev.millrace.mapping;

import dev.millrace.change.Row;
import dev.millrace.expression.Cells;
import dev.millrace.expression.Typed;
import dev.millrace.expression.Values;
import dev.millrace.sql.Node;
import dev.millrace.sql.Relation;
import dev.millrace.sql.ValueType;
import org.jspecify.annotations.Nullable;

/// One column of the result.
///
/// @param at where the text has it
/// @param node how it is said, a column of `*` included
/// @param name what it is called, `null` when PostgreSQL says `?column?`
/// @param value how it is made
record Output(int at, Node node, @Nullable String name, Value value) {

    sealed interface Value {

        /// The source's cell as it is, never parsed.
        ///
        /// @param number of the column among those in use
        record Copy(int number, Relation.Column column) implements Value {}

        record Computed(Typed typed) implements Value {}
    }

    ValueType type() {
        return switch (value) {
            case Value.Copy(_, Relation.Column column) -> ValueType.ofColumn(column.type());
            case Value.Computed(Typed typed) -> typed.type();
        };
    }

    /// Fails when the column's cell can only be copied as unchanged.
    ///
    /// @throws RowError naming the column
    void requireSent(Cells cells) {
        switch (value) {
            case Value.Copy(int number, _) -> cells.text(number);
            case Value.Computed _ -> {}
        }
    }

    /// Puts the column's cell into a target row.
    ///
    /// @throws RowError where PostgreSQL raises an error
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
