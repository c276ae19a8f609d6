package dev.millrace.expression;

import dev.millrace.sql.Kind;
import dev.millrace.sql.ValueType;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/// An expression whose type is known and that can be computed.
///
/// @param constant its value hangs on no column, so it may be computed without a row
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

    /// Of a constant only.
    public @Nullable Object value() {
        if (!constant) {
            throw new IllegalStateException("the value hangs on a row");
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

    @SuppressWarnings("NullAway") // a constant's evaluator never looks at the cells
    private static final Cells NO_CELLS = null;

    /// Computes one value over the cells of a row: a [Long] for the integers, [Numeric], [Boolean],
    /// or PostgreSQL's text for every other type; `null` is NULL.
    public interface Evaluator {

        /// @throws RowError where PostgreSQL raises an error
        public @Nullable Object value(Cells cells);
    }
}
