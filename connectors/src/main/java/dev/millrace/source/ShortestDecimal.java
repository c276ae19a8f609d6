package dev.millrace.source;

import java.math.BigDecimal;
import java.math.MathContext;
import java.math.RoundingMode;

/// The decimal with the fewest digits that lies strictly between the midpoints to a floating-point
/// number's neighbours; of those the closest, of two as close the even one. Java's own differs: it
/// takes a midpoint where reading it back gives the number, and never fewer than two digits.
///
/// @param value positive, without trailing zeros
record ShortestDecimal(BigDecimal value) {

    private static final BigDecimal HALF = new BigDecimal("0.5");

    /// What Java prints with this many digits or more is shortest for Java too.
    private static final int DECISIVE_DIGITS = 3;

    /// Outside this range a midpoint has more digits than any shortest decimal.
    private static final double DOUBLE_MIDPOINTS_FROM = 1e15;

    private static final double DOUBLE_MIDPOINTS_TO = 1e41;
    private static final float REAL_MIDPOINTS_FROM = 1e6f;
    private static final float REAL_MIDPOINTS_TO = 1e20f;

    ShortestDecimal {
        value = value.stripTrailingZeros();
    }

    /// @param number positive and finite
    static ShortestDecimal of(double number) {
        ShortestDecimal java = new ShortestDecimal(new BigDecimal(Double.toString(number)));
        boolean midpoint = number >= DOUBLE_MIDPOINTS_FROM && number <= DOUBLE_MIDPOINTS_TO;
        return java.isDecisive(midpoint)
                ? java
                : between(
                        new BigDecimal(Math.nextDown(number)),
                        new BigDecimal(number),
                        new BigDecimal(Math.ulp(number)));
    }

    /// @param number positive and finite
    static ShortestDecimal of(float number) {
        ShortestDecimal java = new ShortestDecimal(new BigDecimal(Float.toString(number)));
        boolean midpoint = number >= REAL_MIDPOINTS_FROM && number <= REAL_MIDPOINTS_TO;
        return java.isDecisive(midpoint)
                ? java
                : between(
                        new BigDecimal(Math.nextDown(number)),
                        new BigDecimal(number),
                        new BigDecimal(Math.ulp(number)));
    }

    /// How many digits stand before the point, less one, when the first is not zero.
    int exponent() {
        return value.precision() - 1 - value.scale();
    }

    String digits() {
        return value.unscaledValue().toString();
    }

    private boolean isDecisive(boolean midpoint) {
        return !midpoint && value.precision() >= DECISIVE_DIGITS;
    }

    private static ShortestDecimal between(BigDecimal below, BigDecimal exact, BigDecimal gap) {
        BigDecimal low = exact.add(below).multiply(HALF);
        BigDecimal high = exact.add(gap.multiply(HALF));
        for (int digits = 1; ; digits++) {
            BigDecimal down = exact.round(new MathContext(digits, RoundingMode.DOWN));
            BigDecimal up = exact.round(new MathContext(digits, RoundingMode.UP));
            boolean downFits = down.compareTo(low) > 0;
            boolean upFits = up.compareTo(high) < 0;
            if (downFits && upFits) {
                return new ShortestDecimal(
                        exact.round(new MathContext(digits, RoundingMode.HALF_EVEN)));
            }
            if (downFits || upFits) {
                return new ShortestDecimal(downFits ? down : up);
            }
        }
    }
}
