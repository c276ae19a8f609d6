package dev.millrace.console;

import dev.millrace.cli.text.Progress;
import dev.millrace.migration.StatusReport;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.OptionalDouble;
import java.util.function.Function;
import java.util.function.ToLongFunction;
import org.jspecify.annotations.Nullable;

/// The statuses that open pages have asked for in the last minutes, for rates and the course of the
/// lags. Nothing is read while no page is open. Thread-safe.
final class Samples {

    private static final Duration KEPT = Duration.ofMinutes(5);
    private static final Duration BETWEEN = Duration.ofSeconds(1);

    /// A rate is that of the last seconds.
    private static final Duration RATE_OVER = Duration.ofSeconds(15);

    private final Deque<Sample> samples = new ArrayDeque<>();

    /// @param rowsRead of all tables by the backfill
    /// @param events written to the log by this process
    /// @param rows applied by this process
    record Sample(Instant at, long rowsRead, long events, long rows, StatusReport.Lag lag) {

        private static Sample of(Instant at, StatusReport status) {
            return new Sample(
                    at,
                    Progress.rowsDone(status.tables()),
                    status.counts().events(),
                    status.counts().rows(),
                    status.lag());
        }
    }

    /// Several open pages count as one.
    synchronized void add(Instant at, StatusReport status) {
        Sample last = samples.peekLast();
        if (last != null && at.isBefore(last.at().plus(BETWEEN))) {
            return;
        }
        samples.add(Sample.of(at, status));
        while (samples.getFirst().at().isBefore(at.minus(KEPT))) {
            samples.remove();
        }
    }

    /// Per second, over the last seconds.
    ///
    /// @return empty while two samples are missing, and when the counter began again
    synchronized OptionalDouble rate(ToLongFunction<Sample> counter) {
        Sample last = samples.peekLast();
        if (last == null) {
            return OptionalDouble.empty();
        }
        Instant since = last.at().minus(RATE_OVER);
        Sample first =
                samples.stream()
                        .filter(sample -> !sample.at().isBefore(since))
                        .findFirst()
                        .orElse(last);
        long counted = counter.applyAsLong(last) - counter.applyAsLong(first);
        if (first == last || counted < 0) {
            return OptionalDouble.empty();
        }
        return OptionalDouble.of(counted * 1e9 / Duration.between(first.at(), last.at()).toNanos());
    }

    /// A value over time as lines of an SVG whose box is `width` by `height`: the newest at the
    /// right edge, zero at the bottom, the largest at the top. Unknown values leave a gap.
    synchronized String line(
            Function<StatusReport.Lag, @Nullable Number> value, int width, int height) {
        double most = 1;
        for (Sample sample : samples) {
            Number known = value.apply(sample.lag());
            most = known == null ? most : Math.max(most, known.doubleValue());
        }
        List<String> path = new ArrayList<>();
        boolean joined = false;
        for (Sample sample : samples) {
            Number known = value.apply(sample.lag());
            if (known != null) {
                Duration age = Duration.between(sample.at(), samples.getLast().at());
                long x = Math.round(width * (1 - (double) age.toMillis() / KEPT.toMillis()));
                long y = Math.round(height * (1 - known.doubleValue() / most));
                path.add((joined ? "L" : "M") + x + " " + y);
            }
            joined = known != null;
        }
        return String.join(" ", path);
    }
}
