package dev.millrace.expression;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.RoundingMode;

/// A value of PostgreSQL's numeric: a decimal number with its display scale, NaN or an infinity.
/// Results have the scale that PostgreSQL computes (numeric.c). Immutable.
record Numeric(Form form, BigDecimal value) implements Comparable<Numeric> {

    /// The order of the constants is PostgreSQL's sort order.
    enum Form {
        NEGATIVE_INFINITY,
        FINITE,
        POSITIVE_INFINITY,
        NAN
    }

    static final Numeric NAN = new Numeric(Form.NAN, BigDecimal.ZERO);
    static final Numeric POSITIVE_INFINITY = new Numeric(Form.POSITIVE_INFINITY, BigDecimal.ZERO);
    static final Numeric NEGATIVE_INFINITY = new Numeric(Form.NEGATIVE_INFINITY, BigDecimal.ZERO);

    static final int MAX_SCALE = 16383;
    private static final int MAX_INTEGER_DIGITS = 131072;
    private static final int MAX_DISPLAY_SCALE = 1000;
    private static final int SIGNIFICANT_DIGITS = 16;
    private static final int DIGITS_PER_GROUP = 4;

    static Numeric of(long value) {
        return new Numeric(Form.FINITE, BigDecimal.valueOf(value));
    }

    static Numeric of(BigDecimal value) {
        if (value.signum() != 0 && value.precision() - value.scale() > MAX_INTEGER_DIGITS) {
            throw new RowError("value overflows numeric format");
        }
        if (value.scale() > MAX_SCALE) {
            return new Numeric(Form.FINITE, value.setScale(MAX_SCALE, RoundingMode.HALF_UP));
        }
        return new Numeric(Form.FINITE, value.scale() < 0 ? value.setScale(0) : value);
    }

    boolean isFinite() {
        return form == Form.FINITE;
    }

    /// -1, 0 or 1. Not defined for NaN.
    private int sign() {
        return switch (form) {
            case FINITE -> value.signum();
            case POSITIVE_INFINITY, NAN -> 1;
            case NEGATIVE_INFINITY -> -1;
        };
    }

    private static Numeric infinity(int sign) {
        return sign > 0 ? POSITIVE_INFINITY : NEGATIVE_INFINITY;
    }

    private static boolean eitherIsNan(Numeric left, Numeric right) {
        return left.form == Form.NAN || right.form == Form.NAN;
    }

    Numeric plus(Numeric other) {
        if (isFinite() && other.isFinite()) {
            return of(value.add(other.value));
        }
        if (eitherIsNan(this, other)) {
            return NAN;
        }
        if (isFinite()) {
            return other;
        }
        return other.isFinite() || other.form == form ? this : NAN;
    }

    Numeric minus(Numeric other) {
        return plus(other.negated());
    }

    Numeric times(Numeric other) {
        if (isFinite() && other.isFinite()) {
            return of(value.multiply(other.value));
        }
        if (eitherIsNan(this, other) || sign() * other.sign() == 0) {
            return NAN;
        }
        return infinity(sign() * other.sign());
    }

    Numeric dividedBy(Numeric other) {
        if (eitherIsNan(this, other)) {
            return NAN;
        }
        if (other.isFinite() && other.sign() == 0) {
            throw new RowError("division by zero");
        }
        if (isFinite() && other.isFinite()) {
            int scale = quotientScale(value, other.value);
            return of(value.divide(other.value, scale, RoundingMode.HALF_UP));
        }
        if (isFinite()) {
            return of(0);
        }
        return other.isFinite() ? infinity(sign() * other.sign()) : NAN;
    }

    /// At least 16 significant digits, counted in groups of four as PostgreSQL stores them, and
    /// never fewer decimals than an operand shows (`select_div_scale`).
    private static int quotientScale(BigDecimal left, BigDecimal right) {
        int weight = weight(left) - weight(right);
        if (firstGroup(left) <= firstGroup(right)) {
            weight--;
        }
        int scale = SIGNIFICANT_DIGITS - weight * DIGITS_PER_GROUP;
        scale = Math.max(scale, Math.max(left.scale(), right.scale()));
        return Math.min(Math.max(scale, 0), MAX_DISPLAY_SCALE);
    }

    private static int weight(BigDecimal number) {
        return number.signum() == 0
                ? 0
                : Math.floorDiv(number.precision() - number.scale() - 1, DIGITS_PER_GROUP);
    }

    private static int firstGroup(BigDecimal number) {
        return number.signum() == 0
                ? 0
                : number.abs()
                        .scaleByPowerOfTen(-DIGITS_PER_GROUP * weight(number))
                        .setScale(0, RoundingMode.DOWN)
                        .intValueExact();
    }

    Numeric remainder(Numeric other) {
        if (eitherIsNan(this, other)) {
            return NAN;
        }
        if (other.isFinite() && other.sign() == 0) {
            throw new RowError("division by zero");
        }
        if (!isFinite()) {
            return NAN;
        }
        if (!other.isFinite()) {
            return this;
        }
        int scale = Math.max(value.scale(), other.value.scale());
        return of(value.remainder(other.value).setScale(scale, RoundingMode.UNNECESSARY));
    }

    Numeric negated() {
        return switch (form) {
            case FINITE -> new Numeric(form, value.negate());
            case NAN -> this;
            case POSITIVE_INFINITY -> NEGATIVE_INFINITY;
            case NEGATIVE_INFINITY -> POSITIVE_INFINITY;
        };
    }

    Numeric abs() {
        return sign() < 0 ? negated() : this;
    }

    /// Rounds half away from zero. A negative scale rounds digits before the decimal point.
    Numeric rounded(int scale) {
        if (!isFinite()) {
            return this;
        }
        int bounded = Math.max(Math.min(scale, MAX_SCALE), -MAX_INTEGER_DIGITS);
        return of(value.setScale(bounded, RoundingMode.HALF_UP));
    }

    /// Converts to `numeric(precision, scale)`.
    Numeric constrained(int precision, int scale) {
        if (form == Form.NAN) {
            return this;
        }
        if (!isFinite()) {
            throw new RowError("numeric field overflow");
        }
        BigDecimal rounded = value.setScale(scale, RoundingMode.HALF_UP);
        if (rounded.signum() != 0 && rounded.precision() - rounded.scale() > precision - scale) {
            throw new RowError("numeric field overflow");
        }
        return of(rounded);
    }

    BigInteger toInteger(String typeName) {
        if (form == Form.NAN) {
            throw new RowError("cannot convert NaN to " + typeName);
        }
        if (!isFinite()) {
            throw new RowError("cannot convert infinity to " + typeName);
        }
        return value.setScale(0, RoundingMode.HALF_UP).unscaledValue();
    }

    @Override
    public int compareTo(Numeric other) {
        return isFinite() && other.isFinite()
                ? value.compareTo(other.value)
                : form.compareTo(other.form);
    }

    /// The value as PostgreSQL prints it.
    String text() {
        return switch (form) {
            case FINITE -> value.toPlainString();
            case NAN -> "NaN";
            case POSITIVE_INFINITY -> "Infinity";
            case NEGATIVE_INFINITY -> "-Infinity";
        };
    }
}
