package dev.millrace.expression;

import dev.millrace.expression.Typed.Evaluator;
import dev.millrace.sql.Refusal;
import dev.millrace.sql.ValueType;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Builds calls of strict functions: the result is NULL when an argument is NULL. Constants are
/// computed before any row, as PostgreSQL's planner does: a NULL constant makes the result NULL,
/// and an error over constants refuses the statement. Thread-safe.
final class Strict {

    interface One {
        @Nullable Object apply(Object argument);
    }

    interface Two {
        @Nullable Object apply(Object left, Object right);
    }

    interface Many {
        @Nullable Object apply(List<Object> arguments);
    }

    private Strict() {}

    static Typed one(int at, ValueType type, Typed argument, One function) {
        Evaluator inner = argument.evaluator();
        Evaluator evaluator =
                cells -> {
                    Object value = inner.value(cells);
                    return value == null ? null : function.apply(value);
                };
        return folded(at, type, evaluator, List.of(argument));
    }

    static Typed two(int at, ValueType type, Typed left, Typed right, Two function) {
        Evaluator first = left.evaluator();
        Evaluator second = right.evaluator();
        Evaluator evaluator =
                cells -> {
                    Object one = first.value(cells);
                    Object other = second.value(cells);
                    return one == null || other == null ? null : function.apply(one, other);
                };
        return folded(at, type, evaluator, List.of(left, right));
    }

    static Typed many(int at, ValueType type, List<Typed> arguments, Many function) {
        Evaluator[] inner = arguments.stream().map(Typed::evaluator).toArray(Evaluator[]::new);
        Evaluator evaluator =
                cells -> {
                    Object[] values = new Object[inner.length];
                    boolean missing = false;
                    for (int i = 0; i < inner.length; i++) {
                        Object value = inner[i].value(cells);
                        if (value == null) {
                            missing = true;
                        } else {
                            values[i] = value;
                        }
                    }
                    return missing ? null : function.apply(List.of(values));
                };
        return folded(at, type, evaluator, arguments);
    }

    private static Typed folded(
            int at, ValueType type, Evaluator evaluator, List<Typed> arguments) {
        TextCollation collation = TextCollation.NONE;
        if (type.kind().isText()) {
            for (Typed argument : arguments) {
                collation = collation.with(argument.collation());
            }
            collation = collation instanceof TextCollation.None ? TextCollation.DEFAULT : collation;
        }
        if (arguments.stream().anyMatch(argument -> argument.isConstant(null))) {
            return Typed.constant(at, type, null).collated(collation);
        }
        Typed typed = new Typed(at, type, collation, evaluator, false);
        return arguments.stream().allMatch(Typed::constant) ? computed(typed) : typed;
    }

    /// Evaluates an expression over constants once.
    static Typed computed(Typed typed) {
        Typed constant =
                new Typed(typed.at(), typed.type(), typed.collation(), typed.evaluator(), true);
        try {
            return Typed.constant(typed.at(), typed.type(), constant.value())
                    .collated(typed.collation());
        } catch (RowError error) {
            throw new Refusal(
                    typed.at(), "PostgreSQL refuses this constant: " + error.reason(), "");
        }
    }
}
