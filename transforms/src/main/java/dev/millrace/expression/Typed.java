package dev.millrace.expression;

import dev.millrace.sql.Kind;
import dev.millrace.sql.ValueType;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/// A compiled expression with its type. Immutable.
///
/// @param constant the value depends on no column, so it can be computed without a row
public record Typed(
        int at, ValueType type, TextCollation collation, Evaluator evaluator, boolean constant) {

    static Typed constant(int at, ValueType type, @Nullable Object value) {
        TextCollation collation =
                type.kind().isText() || type.kind() == Kind.UNTYPED
                        ? TextCollation.DEFAULT
                        : TextCollation.NONE;
        return new Typed(at, type, collation, _ -> value, true);
    }

    public Kind kind() {
        return type.kind();
    }

    public boolean isUntyped() {
        return kind() == Kind.UNTYPED;
    }

    /// The value of a constant.
    public @Nullable Object value() {
        if (!constant) {
            throw new IllegalStateException("the value depends on a row");
        }
        return evaluator.value(NO_CELLS);
    }

    boolean isConstant(@Nullable Object expected) {
        return constant && Objects.equals(value(), expected);
    }

    Typed as(ValueType other) {
        return new Typed(at, other, collation, evaluator, constant);
    }

    Typed collated(TextCollation other) {
        return new Typed(at, type, other, evaluator, constant);
    }

    @SuppressWarnings("NullAway") // a constant's evaluator never reads the cells
    private static final Cells NO_CELLS = null;

    /// Computes one value from the cells of a row: a [Long] for the integer types, [Numeric],
    /// [Boolean], or PostgreSQL's text for every other type; `null` is NULL.
    public interface Evaluator {

        /// @throws RowError when PostgreSQL raises an error
        public @Nullable Object value(Cells cells);
    }
}
