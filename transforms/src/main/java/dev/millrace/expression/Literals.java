package dev.millrace.expression;

import dev.millrace.sql.Kind;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// Reads values as the input functions of PostgreSQL's types do. Refuses the notations that only
/// some supported versions accept (`0x1F`, `1_000`). Thread-safe.
final class Literals {

    private static final Pattern INTEGER = Pattern.compile("[+-]?[0-9]+");
    private static final Pattern DECIMAL =
            Pattern.compile("([+-]?)([0-9]*)(?:\\.([0-9]*))?(?:[eE]([+-]?[0-9]+))?");

    /// PostgreSQL refuses exponents from this size, even of zero.
    private static final long EXPONENT_LIMIT = Integer.MAX_VALUE / 2;

    private static final int MAX_EXPONENT_DIGITS = 18;
    private static final int MAX_INTEGER_DIGITS = 40;

    private Literals() {}

    static Long integer(String text, Kind kind) {
        String digits = trimmed(text);
        if (!INTEGER.matcher(digits).matches()) {
            throw invalid(kind);
        }
        String significant = digits.replaceFirst("^([+-]?)0+(?=[0-9])", "$1");
        if (significant.length() > MAX_INTEGER_DIGITS) {
            throw new RowError("value is out of range for type " + kind.sqlName());
        }
        BigInteger value = new BigInteger(significant);
        if (!kind.contains(value)) {
            throw new RowError("value is out of range for type " + kind.sqlName());
        }
        return value.longValueExact();
    }

    static Numeric numeric(String text) {
        String trimmed = trimmed(text);
        switch (trimmed.toLowerCase(Locale.ROOT)) {
            case "nan" -> {
                return Numeric.NAN;
            }
            case "inf", "+inf", "infinity", "+infinity" -> {
                return Numeric.POSITIVE_INFINITY;
            }
            case "-inf", "-infinity" -> {
                return Numeric.NEGATIVE_INFINITY;
            }
            default -> {
                return decimal(trimmed);
            }
        }
    }

    private static Numeric decimal(String text) {
        Matcher parts = DECIMAL.matcher(text);
        if (!parts.matches()) {
            throw invalid(Kind.NUMERIC);
        }
        String integerPart = parts.group(2);
        String fraction = parts.group(3) == null ? "" : parts.group(3);
        if (integerPart.isEmpty() && fraction.isEmpty()) {
            throw invalid(Kind.NUMERIC);
        }
        String exponentText = parts.group(4) == null ? "0" : parts.group(4);
        if (exponentText.length() > MAX_EXPONENT_DIGITS
                || Math.abs(Long.parseLong(exponentText)) >= EXPONENT_LIMIT) {
            throw new RowError("value overflows numeric format");
        }
        int scale = fraction.length() - Integer.parseInt(exponentText);
        if (scale > Numeric.MAX_SCALE) {
            throw new RowError("value overflows numeric format");
        }
        BigDecimal value = new BigDecimal(new BigInteger(integerPart + fraction), scale);
        return Numeric.of(parts.group(1).equals("-") ? value.negate() : value);
    }

    /// `true`, `yes`, `on`, `1` and their opposites, and any unambiguous abbreviation.
    static Boolean bool(String text) {
        String word = trimmed(text).toLowerCase(Locale.ROOT);
        boolean nonEmpty = !word.isEmpty();
        if (nonEmpty && ("true".startsWith(word) || "yes".startsWith(word))
                || word.equals("on")
                || word.equals("1")) {
            return true;
        }
        if (nonEmpty && ("false".startsWith(word) || "no".startsWith(word))
                || word.length() > 1 && "off".startsWith(word)
                || word.equals("0")) {
            return false;
        }
        throw invalid(Kind.BOOL);
    }

    static RowError invalid(Kind kind) {
        return new RowError("invalid input syntax for type " + kind.sqlName());
    }

    private static String trimmed(String text) {
        int begin = 0;
        int end = text.length();
        while (begin < end && isSpace(text.charAt(begin))) {
            begin++;
        }
        while (end > begin && isSpace(text.charAt(end - 1))) {
            end--;
        }
        return text.substring(begin, end);
    }

    private static boolean isSpace(char c) {
        return c == ' ' || c >= '\t' && c <= '\r';
    }
}
