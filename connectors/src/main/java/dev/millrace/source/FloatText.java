package dev.millrace.source;

import java.math.BigDecimal;
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
        return Double.isFinite(value)
                ? shortest(Double.toString(value), DOUBLE_PLAIN_BELOW)
                : Double.toString(value);
    }

    static String of(float value) {
        return Float.isFinite(value)
                ? shortest(Float.toString(value), REAL_PLAIN_BELOW)
                : Float.toString(value);
    }

    /// The same text with every number in Java's form replaced by PostgreSQL's: for the geometric
    /// types.
    static String within(String text) {
        Matcher numbers = JAVA_NUMBER.matcher(text);
        return numbers.replaceAll(match -> shortest(match.group(), DOUBLE_PLAIN_BELOW));
    }

    private static String shortest(String javaText, int plainBelow) {
        boolean negative = javaText.startsWith("-");
        BigDecimal value = new BigDecimal(negative ? javaText.substring(1) : javaText);
        String sign = negative ? "-" : "";
        if (value.signum() == 0) {
            return sign + "0";
        }
        BigDecimal stripped = value.stripTrailingZeros();
        String digits = stripped.unscaledValue().toString();
        int exponent = digits.length() - 1 - stripped.scale();
        if (exponent >= -4 && exponent < plainBelow) {
            return sign + stripped.toPlainString();
        }
        StringBuilder text = new StringBuilder(sign).append(digits.charAt(0));
        if (digits.length() > 1) {
            text.append('.').append(digits, 1, digits.length());
        }
        text.append('e').append(exponent < 0 ? '-' : '+');
        int size = Math.abs(exponent);
        return size < 10 ? text.append('0').append(size).toString() : text.append(size).toString();
    }
}
