package dev.millrace.mapping;

import dev.millrace.sql.Kind;
import dev.millrace.sql.ValueType;
import java.util.Optional;
import java.util.OptionalInt;

/// Says which part of a value PostgreSQL changes silently when it converts the value to another
/// type. A value that it refuses is not lost. Thread-safe.
final class Loss {

    private Loss() {}

    /// @param decimals the most decimals that the number has; empty if it can have any number
    static Optional<String> of(ValueType from, OptionalInt decimals, ValueType to) {
        Kind one = from.kind();
        Kind other = to.kind();
        if (one.isNumber() && other.isNumber()) {
            return ofNumber(decimals, to);
        }
        if (other.isPlainText()) {
            boolean fits =
                    !to.isConstrained()
                            || one.isText() && from.isConstrained() && from.length() <= to.length();
            return fits ? Optional.empty() : Optional.of("the end of longer texts");
        }
        if (other == Kind.BPCHAR) {
            return one == Kind.BPCHAR && from.modifier() == to.modifier()
                    ? Optional.empty()
                    : Optional.of("spaces at the end of a text");
        }
        if (one.isText()) {
            return Optional.of("other notations of the same value");
        }
        if (one.isTime() && other.isTime()) {
            return ofTime(from, to);
        }
        if (one.isNumber() && other == Kind.BOOL) {
            return Optional.of("numbers other than 0 and 1");
        }
        return one == Kind.BOOL && other.isNumber() || TypeFit.fits(from, to)
                ? Optional.empty()
                : Optional.of("values that do not fit");
    }

    private static Optional<String> ofNumber(OptionalInt decimals, ValueType to) {
        if (to.kind() == Kind.NUMERIC && !to.isConstrained()) {
            return Optional.empty();
        }
        int kept = to.kind() == Kind.NUMERIC ? to.scale() : 0;
        return decimals.isPresent() && decimals.getAsInt() <= kept
                ? Optional.empty()
                : Optional.of(kept == 0 ? "decimals" : "decimals after the first " + kept);
    }

    private static Optional<String> ofTime(ValueType from, ValueType to) {
        if (from.kind() == Kind.TIMESTAMPTZ != (to.kind() == Kind.TIMESTAMPTZ)) {
            return Optional.of("what depends on the time zone");
        }
        if (to.kind() == Kind.DATE && from.kind() != Kind.DATE) {
            return Optional.of("the time of day");
        }
        boolean rounds =
                to.isConstrained()
                        && from.kind() != Kind.DATE
                        && !(from.isConstrained() && from.modifier() <= to.modifier());
        return rounds ? Optional.of("fractions of a second") : Optional.empty();
    }
}
