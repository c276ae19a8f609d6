package dev.millrace.cli;

import java.time.Duration;
import java.time.Instant;
import java.util.OptionalDouble;
import org.jspecify.annotations.Nullable;

/// Rows per second from looks at a growing count, smoothed so that what is older counts less. One
/// thread.
final class Rate {

    /// After this time a change of pace is shown for two thirds.
    private static final double MEMORY_SECONDS = 10;

    private static final Duration SETTLING = Duration.ofSeconds(5);

    /// Above this share of deviation from the mean no estimate is worth showing.
    private static final double UNSTEADY = 0.5;

    private @Nullable Instant first;
    private @Nullable Instant last;
    private long lastRows;
    private double mean;
    private double deviation;

    void look(Instant at, long rows) {
        if (last == null || rows < lastRows) {
            first = at;
            mean = 0;
            deviation = 0;
        } else {
            double seconds = Duration.between(last, at).toNanos() / 1e9;
            if (seconds <= 0) {
                return;
            }
            double now = (rows - lastRows) / seconds;
            boolean isFirst = last.equals(first);
            double weight = isFirst ? 1 : 1 - Math.exp(-seconds / MEMORY_SECONDS);
            deviation += weight * (Math.abs(now - mean) - deviation);
            deviation = isFirst ? 0 : deviation;
            mean += weight * (now - mean);
        }
        last = at;
        lastRows = rows;
    }

    /// Empty until it has settled.
    OptionalDouble perSecond() {
        if (first == null
                || last == null
                || Duration.between(first, last).compareTo(SETTLING) < 0
                || mean <= 0
                || deviation > UNSTEADY * mean) {
            return OptionalDouble.empty();
        }
        return OptionalDouble.of(mean);
    }
}
