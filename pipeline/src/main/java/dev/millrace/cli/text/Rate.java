package dev.millrace.cli.text;

import java.time.Duration;
import java.time.Instant;
import java.util.OptionalDouble;
import org.jspecify.annotations.Nullable;

/// Estimates rows per second from samples of a growing count, with exponential smoothing. Not
/// thread-safe.
final class Rate {

    /// Time constant: after this time the estimate includes two thirds of a change in rate.
    private static final double MEMORY_SECONDS = 10;

    private static final Duration SETTLING = Duration.ofSeconds(5);

    /// Above this ratio of deviation to mean, no estimate is shown.
    private static final double UNSTEADY = 0.5;

    private @Nullable Instant first;
    private @Nullable Instant last;
    private long lastRows;
    private double mean;
    private double deviation;

    void sample(Instant at, long rows) {
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

    /// Empty until the rate is steady.
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
