package dev.millrace.spec.scalar;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/// Reads durations such as `500ms`, `30s`, `10m`, `12h` and `14d`, and checks their limits. Not
/// thread-safe; used for one file.
public final class Durations {

    public static final String PATTERN = "[1-9][0-9]{0,5}(ms|s|m|h|d)";

    private final Problems problems;

    public Durations(Problems problems) {
        this.problems = problems;
    }

    /// @param why what the limits protect, a sentence for the user without a full stop
    /// @return `standard` when the key is absent or was refused
    public Duration within(
            Duration least, Duration most, String why, @Nullable Scalar scalar, Duration standard) {
        if (scalar == null) {
            return standard;
        }
        String text = scalar.text().strip();
        if (!text.matches(PATTERN)) {
            problems.add(
                    scalar,
                    "must be a number and ms, s, m, h or d (milliseconds, seconds, minutes, hours,"
                            + " days)",
                    "set it to " + shown(standard) + ", for example");
            return standard;
        }
        Duration duration = parse(text);
        if (duration.compareTo(least) < 0 || duration.compareTo(most) > 0) {
            problems.add(
                    scalar,
                    "must be from " + shown(least) + " to " + shown(most) + ": " + why,
                    "set it to " + shown(standard) + ", for example");
            return standard;
        }
        return duration;
    }

    /// @param text matches [#PATTERN]
    public static Duration parse(String text) {
        String unit = text.replaceAll("[0-9]", "");
        long number = Long.parseLong(text.substring(0, text.length() - unit.length()));
        return switch (unit) {
            case "ms" -> Duration.ofMillis(number);
            case "s" -> Duration.ofSeconds(number);
            case "m" -> Duration.ofMinutes(number);
            case "h" -> Duration.ofHours(number);
            default -> Duration.ofDays(number);
        };
    }

    /// The largest unit that gives a whole number: `14d`, `90m`, `500ms`.
    public static String shown(Duration duration) {
        if (duration.toNanosPart() != 0) {
            return duration.toMillis() + "ms";
        }
        if (duration.toSecondsPart() != 0) {
            return duration.toSeconds() + "s";
        }
        if (duration.toMinutesPart() != 0) {
            return duration.toMinutes() + "m";
        }
        return duration.toHoursPart() != 0 || duration.toHours() == 24
                ? duration.toHours() + "h"
                : duration.toDays() + "d";
    }
}
