package dev.millrace.source;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// Floating-point numbers as PostgreSQL prints them: the shortest digits that read back the same,
/// in scientific form below 1e-4 and from 1e15 (double precision) or 1e6 (real) on.
final class FloatText {

    private static final int DOUBLE_PLAIN_BELOW = 15;
    private static final int REAL_PLAIN_BELOW = 6;
    private static final Pattern JAVA_NUMBER = Pattern.compile("-?\\d+\\.\\d+(?:E-?\\d+)?");

    private FloatText() {}

    static String of(double value) {
        if (!Double.isFinite(value) || value == 0) {
            return special(Double.toString(value));
        }
        String digits = written(ShortestDecimal.of(Math.abs(value)), DOUBLE_PLAIN_BELOW);
        return value < 0 ? "-" + digits : digits;
    }

    static String of(float value) {
        if (!Float.isFinite(value) || value == 0) {
            return special(Float.toString(value));
        }
        String digits = written(ShortestDecimal.of(Math.abs(value)), REAL_PLAIN_BELOW);
        return value < 0 ? "-" + digits : digits;
    }

    /// The same text with every number in Java's form replaced by PostgreSQL's: for the geometric
    /// types.
    static String within(String text) {
        Matcher numbers = JAVA_NUMBER.matcher(text);
        return numbers.replaceAll(match -> of(Double.parseDouble(match.group())));
    }

    private static String special(String javaText) {
        return switch (javaText) {
            case "0.0" -> "0";
            case "-0.0" -> "-0";
            default -> javaText;
        };
    }

    private static String written(ShortestDecimal decimal, int plainBelow) {
        int exponent = decimal.exponent();
        if (exponent >= -4 && exponent < plainBelow) {
            return decimal.value().toPlainString();
        }
        String digits = decimal.digits();
        StringBuilder text = new StringBuilder().append(digits.charAt(0));
        if (digits.length() > 1) {
            text.append('.').append(digits, 1, digits.length());
        }
        text.append('e').append(exponent < 0 ? '-' : '+');
        int size = Math.abs(exponent);
        return size < 10 ? text.append('0').append(size).toString() : text.append(size).toString();
    }
}
