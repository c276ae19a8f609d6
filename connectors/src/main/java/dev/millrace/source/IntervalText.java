package dev.millrace.source;

import org.postgresql.util.PGInterval;

/// An interval as PostgreSQL prints it under IntervalStyle postgres: `1 year -2 mons +3 days
/// -04:05:06.7`.
final class IntervalText {

    private final StringBuilder text = new StringBuilder();
    private boolean lastWasNegative;

    private IntervalText() {}

    static String of(PGInterval interval) {
        return new IntervalText().print(interval);
    }

    private String print(PGInterval interval) {
        int months = interval.getYears() * 12 + interval.getMonths();
        part(months / 12, "year");
        part(months % 12, "mon");
        part(interval.getDays(), "day");
        long micros =
                ((interval.getHours() * 60L + interval.getMinutes()) * 60L
                                        + interval.getWholeSeconds())
                                * 1_000_000L
                        + interval.getMicroSeconds();
        if (micros != 0 || text.isEmpty()) {
            time(micros);
        }
        return text.toString();
    }

    private void part(int value, String unit) {
        if (value == 0) {
            return;
        }
        if (!text.isEmpty()) {
            text.append(' ');
        }
        if (lastWasNegative && value > 0) {
            text.append('+');
        }
        text.append(value).append(' ').append(unit);
        if (value != 1) {
            text.append('s');
        }
        lastWasNegative = value < 0;
    }

    private void time(long micros) {
        if (!text.isEmpty()) {
            text.append(' ');
        }
        if (micros < 0) {
            text.append('-');
        } else if (lastWasNegative) {
            text.append('+');
        }
        long rest = Math.abs(micros);
        long hours = rest / 3_600_000_000L;
        if (hours < 10) {
            text.append('0');
        }
        text.append(hours).append(':');
        ServerText.two(text, (int) (rest / 60_000_000L % 60)).append(':');
        ServerText.two(text, (int) (rest / 1_000_000L % 60));
        ServerText.appendMicros(text, (int) (rest % 1_000_000L));
    }
}
