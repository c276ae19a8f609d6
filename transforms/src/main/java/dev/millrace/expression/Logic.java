package dev.millrace.expression;

import dev.millrace.expression.Typed.Evaluator;
import dev.millrace.sql.Node;
import dev.millrace.sql.ValueType;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/// Compiles AND, OR, NOT and the tests IS [NOT] NULL, TRUE, FALSE and UNKNOWN in three-valued
/// logic. The second operand is computed only when the first does not decide, and never when a
/// constant decides. Thread-safe.
public final class Logic {

    private Logic() {}

    private static Typed truth(int at, Evaluator evaluator, List<Typed> parts) {
        Typed typed = new Typed(at, ValueType.BOOL, TextCollation.NONE, evaluator, false);
        return parts.stream().allMatch(Typed::constant) ? Strict.computed(typed) : typed;
    }

    static Typed not(int at, Typed operand) {
        return Strict.one(at, ValueType.BOOL, operand, value -> !((Boolean) value));
    }

    static Typed and(int at, Typed left, Typed right) {
        return joined(at, left, right, false);
    }

    static Typed or(int at, Typed left, Typed right) {
        return joined(at, left, right, true);
    }

    /// @param decisive the value that decides the result whatever the other operand is
    private static Typed joined(int at, Typed left, Typed right, boolean decisive) {
        if (left.isConstant(decisive) || right.isConstant(decisive)) {
            return Typed.constant(at, ValueType.BOOL, decisive);
        }
        Evaluator first = left.evaluator();
        Evaluator second = right.evaluator();
        return truth(
                at,
                cells -> {
                    Object one = first.value(cells);
                    if (one != null && (Boolean) one == decisive) {
                        return decisive;
                    }
                    Object other = second.value(cells);
                    if (other != null && (Boolean) other == decisive) {
                        return decisive;
                    }
                    return one == null || other == null ? null : (Boolean) !decisive;
                },
                List.of(left, right));
    }

    static Typed isNull(int at, Typed operand, boolean negated) {
        Evaluator inner = operand.evaluator();
        return truth(at, cells -> (inner.value(cells) == null) != negated, List.of(operand));
    }

    static Typed isTruth(int at, Typed operand, Node.IsTruth.Verdict verdict, boolean negated) {
        @Nullable Boolean expected =
                switch (verdict) {
                    case TRUE -> true;
                    case FALSE -> false;
                    case UNKNOWN -> null;
                };
        Evaluator inner = operand.evaluator();
        return truth(
                at,
                cells -> Objects.equals(inner.value(cells), expected) != negated,
                List.of(operand));
    }

    /// Splits a condition into conjuncts, in their order. NOT over OR is split too, as PostgreSQL's
    /// planner does.
    public static List<Node> conjuncts(Node node) {
        List<Node> list = new ArrayList<>();
        collect(node, list);
        return list;
    }

    private static void collect(Node node, List<Node> list) {
        if (node instanceof Node.And(_, Node left, Node right)) {
            collect(left, list);
            collect(right, list);
        } else if (node instanceof Node.Not(_, Node.Or(int at, Node left, Node right))) {
            collect(new Node.Not(at, left), list);
            collect(new Node.Not(at, right), list);
        } else {
            list.add(node);
        }
    }
}
