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

    private static final Midpoints DOUBLE_MIDPOINTS = new Midpoints(1e15, 1e41);
    private static final Midpoints REAL_MIDPOINTS = new Midpoints(1e6f, 1e20f);

    ShortestDecimal {
        value = value.stripTrailingZeros();
    }

    /// @param number positive and finite
    static ShortestDecimal of(double number) {
        return of(
                Double.toString(number),
                DOUBLE_MIDPOINTS,
                new Place(Math.nextDown(number), number, Math.ulp(number)));
    }

    /// @param number positive and finite
    static ShortestDecimal of(float number) {
        return of(
                Float.toString(number),
                REAL_MIDPOINTS,
                new Place(Math.nextDown(number), number, Math.ulp(number)));
    }

    private static ShortestDecimal of(String printed, Midpoints midpoints, Place place) {
        ShortestDecimal java = new ShortestDecimal(new BigDecimal(printed));
        boolean decisive =
                !midpoints.canBeShort(place.number) && java.value.precision() >= DECISIVE_DIGITS;
        return decisive ? java : place.shortest();
    }

    /// How many digits stand before the point, less one, when the first is not zero.
    int exponent() {
        return value.precision() - 1 - value.scale();
    }

    String digits() {
        return value.unscaledValue().toString();
    }

    /// Outside this range a midpoint has more digits than any shortest decimal.
    private record Midpoints(double from, double to) {

        boolean canBeShort(double number) {
            return number >= from && number <= to;
        }
    }

    /// A number among its neighbours; a `real` is as exact here as a `double precision`.
    ///
    /// @param gap to the neighbour above
    private record Place(double below, double number, double gap) {

        ShortestDecimal shortest() {
            BigDecimal exact = new BigDecimal(number);
            BigDecimal low = exact.add(new BigDecimal(below)).multiply(HALF);
            BigDecimal high = exact.add(new BigDecimal(gap).multiply(HALF));
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
}
