package dev.millrace.cli.text;

import java.time.Duration;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/// Formats numbers, sizes and times for people. An unknown value is `unknown`, never 0.
public final class Figures {

    public static final String UNKNOWN = "unknown";

    private static final String[] UNITS = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};

    private Figures() {}

    public static String count(@Nullable Long number) {
        return number == null ? UNKNOWN : String.format(Locale.ROOT, "%,d", number);
    }

    public static String bytes(@Nullable Long bytes) {
        if (bytes == null) {
            return UNKNOWN;
        }
        double size = bytes;
        int unit = 0;
        while (size >= 1024 && unit < UNITS.length - 1) {
            size /= 1024;
            unit++;
        }
        return String.format(Locale.ROOT, unit == 0 ? "%.0f %s" : "%.1f %s", size, UNITS[unit]);
    }

    /// A time without its fraction of a second; a text that is no time stays as it is.
    public static String second(String time) {
        return time.replaceFirst("\\.\\d+Z$", "Z");
    }

    public static String seconds(@Nullable Double seconds) {
        return seconds == null ? UNKNOWN : String.format(Locale.ROOT, "%.1f s", seconds);
    }

    public static String duration(Duration length) {
        long seconds = length.toSeconds();
        if (seconds < 60) {
            return seconds + " s";
        }
        return seconds < 3600
                ? seconds / 60 + " min " + seconds % 60 + " s"
                : seconds / 3600 + " h " + seconds % 3600 / 60 + " min";
    }
}
