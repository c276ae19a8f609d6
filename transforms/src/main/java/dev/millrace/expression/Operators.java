package dev.millrace.expression;

import dev.millrace.expression.Typed.Evaluator;
import dev.millrace.sql.Kind;
import dev.millrace.sql.Refusal;
import dev.millrace.sql.ValueType;
import java.util.ArrayList;
import java.util.List;

/// Compiles operators: selects the PostgreSQL operator that an expression means, and its
/// computation. Thread-safe.
final class Operators {

    Typed binary(int at, String operator, Typed left, Typed right) {
        return switch (operator) {
            case "+", "-", "*", "/", "%" -> arithmetic(at, operator, left, right);
            case "||" -> concatenation(at, left, right);
            default -> comparison(at, operator, left, right);
        };
    }

    Typed sign(int at, boolean minus, Typed operand) {
        if (!operand.kind().isNumber()) {
            throw unsupported(at, minus ? "-" : "+", operand.type().description());
        }
        ValueType type = operand.type().unconstrained();
        Kind kind = operand.kind();
        return Strict.one(
                at,
                type,
                operand,
                value ->
                        !minus
                                ? value
                                : kind == Kind.NUMERIC
                                        ? ((Numeric) value).negated()
                                        : IntegerArithmetic.negated(kind, (Long) value));
    }

    private Typed arithmetic(int at, String operator, Typed left, Typed right) {
        Typed one =
                left.isUntyped() && right.kind().isNumber() ? Untyped.as(left, right.kind()) : left;
        Typed other =
                right.isUntyped() && left.kind().isNumber()
                        ? Untyped.as(right, left.kind())
                        : right;
        if (!one.kind().isNumber() || !other.kind().isNumber()) {
            throw unsupported(
                    at, operator, one.type().description() + " and " + other.type().description());
        }
        Kind kind = wider(one.kind(), other.kind());
        ValueType type = ValueType.of(kind);
        if (kind == Kind.NUMERIC) {
            return Strict.two(
                    at,
                    type,
                    Casts.toNumeric(one),
                    Casts.toNumeric(other),
                    (a, b) -> numeric(operator, (Numeric) a, (Numeric) b));
        }
        return Strict.two(
                at,
                type,
                one,
                other,
                (a, b) -> IntegerArithmetic.computed(kind, operator, (Long) a, (Long) b));
    }

    private static Numeric numeric(String operator, Numeric left, Numeric right) {
        return switch (operator) {
            case "+" -> left.plus(right);
            case "-" -> left.minus(right);
            case "*" -> left.times(right);
            case "/" -> left.dividedBy(right);
            default -> left.remainder(right);
        };
    }

    static Kind wider(Kind one, Kind other) {
        return one.compareTo(other) >= 0 ? one : other;
    }

    private Typed concatenation(int at, Typed left, Typed right) {
        boolean text = left.kind().isText() || right.kind().isText();
        boolean bothUntyped = left.isUntyped() && right.isUntyped();
        boolean oneUntyped =
                (left.isUntyped() || right.isUntyped())
                        && left.kind() != Kind.COPIED
                        && right.kind() != Kind.COPIED;
        if (!text && !bothUntyped && !oneUntyped) {
            throw unsupported(
                    at, "||", left.type().description() + " and " + right.type().description());
        }
        return Strict.two(
                at,
                ValueType.TEXT,
                printed(at, left),
                printed(at, right),
                (a, b) -> (String) a + b);
    }

    private Typed printed(int at, Typed operand) {
        if (operand.kind() == Kind.COPIED) {
            throw unsupported(at, "||", operand.type().description());
        }
        return Casts.toText(operand);
    }

    /// Casts to text what PostgreSQL casts to text implicitly.
    Typed text(Typed operand) {
        if (!operand.kind().isText() && !operand.isUntyped()) {
            throw new Refusal(
                    operand.at(),
                    "a text is required, but this is " + operand.type().description(),
                    "write CAST(.. AS text)");
        }
        return Casts.toText(operand);
    }

    private Typed comparison(int at, String operator, Typed left, Typed right) {
        Comparison comparison = Comparison.of(at, left, right);
        return Strict.two(
                at,
                ValueType.BOOL,
                comparison.left(),
                comparison.right(),
                comparison.test(at, operator));
    }

    Typed isDistinct(int at, Typed left, Typed right, boolean negated) {
        Comparison comparison = Comparison.of(at, left, right);
        Strict.Two equal = comparison.test(at, "=");
        Evaluator first = comparison.left().evaluator();
        Evaluator second = comparison.right().evaluator();
        Evaluator evaluator =
                cells -> {
                    Object one = first.value(cells);
                    Object other = second.value(cells);
                    boolean same =
                            one == null || other == null
                                    ? one == other
                                    : Boolean.TRUE.equals(equal.apply(one, other));
                    return same == negated;
                };
        Typed typed = new Typed(at, ValueType.BOOL, TextCollation.NONE, evaluator, false);
        return left.constant() && right.constant() ? Strict.computed(typed) : typed;
    }

    Typed in(int at, Typed operand, List<Typed> items) {
        List<Typed> constants = items.stream().filter(Typed::constant).toList();
        List<Typed> ordered = new ArrayList<>(items);
        if (constants.size() > 1) {
            Kind common = InList.commonKind(at, operand, constants);
            ordered.clear();
            constants.forEach(item -> ordered.add(Untyped.as(item, common)));
            items.stream().filter(item -> !item.constant()).forEach(ordered::add);
        }
        Typed result = binary(at, "=", operand, ordered.getFirst());
        for (Typed item : ordered.subList(1, ordered.size())) {
            result = Logic.or(at, result, binary(at, "=", operand, item));
        }
        return result;
    }

    Typed like(int at, Typed operand, Typed pattern) {
        Typed text = operand.kind() == Kind.BPCHAR ? operand : text(operand);
        Comparison.checkEquality(at, text.collation().with(pattern.collation()));
        return Strict.two(
                at,
                ValueType.BOOL,
                text,
                pattern,
                (value, like) -> LikePattern.matches((String) value, (String) like));
    }

    private static Refusal unsupported(int at, String operator, String types) {
        return new Refusal(
                at,
                "the operator " + operator + " on " + types + " is not supported",
                "CAST the operands: numbers are smallint, integer, bigint and numeric");
    }

    /// Derives the type to which PostgreSQL casts the constants of an IN list and the operand.
    static final class InList {

        private InList() {}

        static Kind commonKind(int at, Typed operand, List<Typed> constants) {
            Kind common = operand.kind();
            for (Typed constant : constants) {
                if (constant.isUntyped()) {
                    continue;
                }
                Kind kind = constant.kind();
                if (common.isNumber() && kind.isNumber()) {
                    common = Operators.wider(common, kind);
                } else if (common == Kind.UNTYPED) {
                    common = kind;
                } else if (common != kind && !(common.isPlainText() && kind.isPlainText())) {
                    throw new Refusal(
                            at,
                            "IN over "
                                    + operand.type().description()
                                    + " and "
                                    + constant.type().description()
                                    + " is not supported",
                            "CAST the items to one type");
                }
            }
            if (common == Kind.COPIED) {
                throw new Refusal(
                        at,
                        "IN over " + operand.type().description() + " is not supported",
                        "CAST it to text");
            }
            return common == Kind.UNTYPED ? Kind.TEXT : common;
        }
    }
}
