package dev.millrace.mapping;

import dev.millrace.sql.Kind;
import dev.millrace.sql.ValueType;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.Optional;
import java.util.OptionalInt;

/// The value of a part of an expression, computed back from a target column. Immutable.
///
/// @param sql the value as SQL over the target column
/// @param decimals the most decimals that the number has; empty if it can have any number, or if
///   the value is no number
/// @param lost what was lost first, on the way there or back; empty if nothing
record InverseValue(String sql, ValueType type, OptionalInt decimals, Optional<String> lost) {

    private static final ValueType NUMERIC = ValueType.of(Kind.NUMERIC);

    Inverse inverse() {
        return lost.<Inverse>map(reason -> new Inverse.Lossy(sql, reason))
                .orElseGet(() -> new Inverse.Exact(sql));
    }

    InverseValue with(String other) {
        return new InverseValue(other, type, decimals, lost);
    }

    InverseValue losing(Optional<String> more) {
        return new InverseValue(sql, type, decimals, lost.or(() -> more));
    }

    /// The value in another type, with a CAST where PostgreSQL does not accept it as it is.
    InverseValue as(ValueType other) {
        if (type.sql().formatted().equals(other.sql().formatted())) {
            return this;
        }
        Optional<String> loss =
                Loss.of(type, decimals, other)
                        .map(part -> "the type " + other.description() + " loses " + part);
        String cast =
                TypeFit.fits(type, other)
                        ? sql
                        : "CAST(" + sql + " AS " + other.sql().formatted() + ")";
        OptionalInt fewer =
                other.kind() == Kind.NUMERIC && !other.isConstrained()
                        ? decimals
                        : Decimals.of(other);
        return new InverseValue(cast, other, fewer, lost.or(() -> loss));
    }

    InverseValue plus(BigDecimal number) {
        String operation =
                number.signum() < 0
                        ? " - " + number.negate().toPlainString()
                        : " + " + number.toPlainString();
        return new InverseValue(
                "(" + sql + operation + ")",
                type.kind().isInteger() && number.scale() <= 0 ? type : NUMERIC,
                Decimals.max(decimals, OptionalInt.of(number.stripTrailingZeros().scale())),
                lost);
    }

    InverseValue times(BigDecimal number) {
        return new InverseValue(
                "(" + sql + " * " + number.toPlainString() + ")",
                NUMERIC,
                Decimals.sum(decimals, OptionalInt.of(number.stripTrailingZeros().scale())),
                lost);
    }

    /// A division by a power of ten is a multiplication, which is exact; PostgreSQL rounds the
    /// result of a division.
    InverseValue dividedBy(BigDecimal number) {
        BigDecimal plain = number.stripTrailingZeros();
        if (plain.unscaledValue().abs().equals(BigInteger.ONE)) {
            return times(
                    BigDecimal.ONE
                            .movePointRight(plain.scale())
                            .multiply(BigDecimal.valueOf(number.signum())));
        }
        return new InverseValue(
                "(" + sql + " / " + number.toPlainString() + ")",
                NUMERIC,
                OptionalInt.empty(),
                lost.or(
                        () ->
                                Optional.of(
                                        "not every value can be divided by "
                                                + number.toPlainString())));
    }

    /// Numbers of decimals; empty is any number.
    static final class Decimals {

        private Decimals() {}

        static OptionalInt of(ValueType type) {
            if (type.kind().isInteger()) {
                return OptionalInt.of(0);
            }
            return type.kind() == Kind.NUMERIC && type.isConstrained()
                    ? OptionalInt.of(type.scale())
                    : OptionalInt.empty();
        }

        static OptionalInt sum(OptionalInt one, OptionalInt other) {
            return one.isPresent() && other.isPresent()
                    ? OptionalInt.of(one.getAsInt() + other.getAsInt())
                    : OptionalInt.empty();
        }

        static OptionalInt max(OptionalInt one, OptionalInt other) {
            return one.isPresent() && other.isPresent()
                    ? OptionalInt.of(Math.max(one.getAsInt(), other.getAsInt()))
                    : OptionalInt.empty();
        }
    }
}
