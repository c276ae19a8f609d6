package dev.millrace.expression;

import dev.millrace.sql.Kind;

/// Arithmetic of smallint, integer and bigint with PostgreSQL's range errors. Thread-safe.
final class IntegerArithmetic {

    private IntegerArithmetic() {}

    static Long computed(Kind kind, String operator, long left, long right) {
        try {
            return switch (operator) {
                case "+" -> checked(kind, Math.addExact(left, right));
                case "-" -> checked(kind, Math.subtractExact(left, right));
                case "*" -> checked(kind, Math.multiplyExact(left, right));
                case "/" -> checked(kind, Math.divideExact(left, nonZero(right)));
                default -> right == -1 ? 0 : left % nonZero(right);
            };
        } catch (ArithmeticException _) {
            throw outOfRange(kind);
        }
    }

    static Long negated(Kind kind, long value) {
        return computed(kind, "-", 0, value);
    }

    static Long abs(Kind kind, long value) {
        return value < 0 ? negated(kind, value) : value;
    }

    static Long checked(Kind kind, long value) {
        if (!kind.contains(value)) {
            throw outOfRange(kind);
        }
        return value;
    }

    private static long nonZero(long divisor) {
        if (divisor == 0) {
            throw new RowError("division by zero");
        }
        return divisor;
    }

    static RowError outOfRange(Kind kind) {
        return new RowError(kind.sqlName() + " out of range");
    }
}
