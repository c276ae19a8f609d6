package dev.millrace.expression;

import dev.millrace.sql.Kind;
import dev.millrace.sql.Refusal;
import java.util.Comparator;

/// Two operands cast to the type in which PostgreSQL compares them, and their order. Immutable.
///
/// @param order of the values; equal values compare as 0
/// @param collation NONE when the values are not text
record Comparison(Typed left, Typed right, Comparator<Object> order, TextCollation collation) {

    private static final Comparator<Object> INTEGER =
            Comparator.comparingLong(value -> (Long) value);
    private static final Comparator<Object> NUMERIC =
            Comparator.comparing(value -> (Numeric) value);
    private static final Comparator<Object> TRUTH = Comparator.comparing(value -> (Boolean) value);
    private static final Comparator<Object> TEXT =
            (one, other) -> TextFunctions.compare((String) one, (String) other);

    private static final Comparator<Object> PADDED =
            Comparator.comparing(
                    value -> TextFunctions.withoutTrailingBlanks((String) value),
                    TextFunctions::compare);

    static Comparison of(int at, Typed left, Typed right) {
        if (left.isUntyped() && right.isUntyped()) {
            return of(at, Untyped.asText(left), Untyped.asText(right));
        }
        if (left.isUntyped() && right.kind() != Kind.COPIED) {
            return of(at, Untyped.as(left, right.kind()), right);
        }
        if (right.isUntyped() && left.kind() != Kind.COPIED) {
            return of(at, left, Untyped.as(right, left.kind()));
        }
        Kind one = left.kind();
        Kind other = right.kind();
        if (one.isInteger() && other.isInteger()) {
            return new Comparison(left, right, INTEGER, TextCollation.NONE);
        }
        if (one.isNumber() && other.isNumber()) {
            return new Comparison(
                    Casts.toNumeric(left), Casts.toNumeric(right), NUMERIC, TextCollation.NONE);
        }
        if (one == Kind.BOOL && other == Kind.BOOL) {
            return new Comparison(left, right, TRUTH, TextCollation.NONE);
        }
        if (one == other && one.isTime()) {
            return new Comparison(left, right, TimeText.ORDER, TextCollation.NONE);
        }
        if (one == Kind.UUID && other == Kind.UUID) {
            return new Comparison(left, right, TEXT, TextCollation.NONE);
        }
        boolean mixed =
                one == Kind.BPCHAR && other == Kind.VARCHAR
                        || one == Kind.VARCHAR && other == Kind.BPCHAR;
        if (!one.isText() || !other.isText() || mixed) {
            throw new Refusal(
                    at,
                    "comparing "
                            + left.type().description()
                            + " with "
                            + right.type().description()
                            + " is not supported",
                    "CAST one side to the other's type");
        }
        TextCollation collation = left.collation().with(right.collation());
        if (one == Kind.BPCHAR && other == Kind.BPCHAR) {
            return new Comparison(left, right, PADDED, collation);
        }
        return new Comparison(Casts.toText(left), Casts.toText(right), TEXT, collation);
    }

    /// The comparison as a function of two values that are not NULL.
    Strict.Two test(int at, String operator) {
        boolean text = !(collation instanceof TextCollation.None);
        if (text) {
            checkEquality(at, collation);
        }
        boolean equality = operator.equals("=") || operator.equals("<>");
        if (text && !equality && !collation.ordersByCodePoint()) {
            throw new Refusal(
                    at,
                    "ordering text in the collation " + collation.name() + " is not supported",
                    "use = or LIKE, or a column with the collation C, POSIX or a builtin one");
        }
        return switch (operator) {
            case "=" -> (one, other) -> order.compare(one, other) == 0;
            case "<>" -> (one, other) -> order.compare(one, other) != 0;
            case "<" -> (one, other) -> order.compare(one, other) < 0;
            case "<=" -> (one, other) -> order.compare(one, other) <= 0;
            case ">" -> (one, other) -> order.compare(one, other) > 0;
            case ">=" -> (one, other) -> order.compare(one, other) >= 0;
            default -> throw new IllegalArgumentException("not a comparison: " + operator);
        };
    }

    static void checkEquality(int at, TextCollation collation) {
        if (collation instanceof TextCollation.Conflict) {
            throw new Refusal(
                    at, "the two sides have different collations, which PostgreSQL refuses", "");
        }
        if (!collation.isDeterministic()) {
            throw new Refusal(
                    at,
                    "the collation "
                            + collation.name()
                            + " is nondeterministic: equal texts may differ",
                    "compute the value in a source column");
        }
    }
}
