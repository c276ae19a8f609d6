package dev.millrace.console;

import dev.millrace.cli.text.Progress;
import dev.millrace.migration.StatusReport;
import dev.millrace.rollback.RollbackPrice;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
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

    /// Only of the last seconds, because there may be many tables.
    private final Deque<TableRows> tables = new ArrayDeque<>();

    /// @param rowsRead of all tables by the backfill
    /// @param events written to the log by this process
    /// @param rows applied by this process
    /// @param back changes that came back since the switchover; 0 without one
    record Sample(
            Instant at, long rowsRead, long events, long rows, long back, StatusReport.Lag lag) {

        private static Sample of(Instant at, StatusReport status) {
            return new Sample(
                    at,
                    Progress.rowsDone(status.tables()),
                    status.counts().events(),
                    status.counts().rows(),
                    back(status.rollback()),
                    status.lag());
        }

        private static long back(@Nullable RollbackPrice rollback) {
            Long applied = rollback == null ? null : rollback.rowsApplied();
            return applied == null ? 0 : applied;
        }
    }

    /// Rows read by the backfill, by target table.
    private record TableRows(Instant at, Map<String, Long> rows) {

        static TableRows of(Instant at, StatusReport status) {
            Map<String, Long> rows = new HashMap<>();
            status.tables().forEach(table -> rows.put(table.target(), table.backfill().rowsDone()));
            return new TableRows(at, rows);
        }
    }

    /// Several open pages count as one.
    synchronized void add(Instant at, StatusReport status) {
        Sample last = samples.peekLast();
        if (last != null && at.isBefore(last.at().plus(BETWEEN))) {
            return;
        }
        samples.add(Sample.of(at, status));
        tables.add(TableRows.of(at, status));
        while (tables.getFirst().at().isBefore(at.minus(RATE_OVER))) {
            tables.remove();
        }
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
        return perSecond(
                counter.applyAsLong(last) - counter.applyAsLong(first), first.at(), last.at());
    }

    /// The same for the rows of one target table that the backfill reads.
    synchronized OptionalDouble rate(String table) {
        TableRows first = tables.peekFirst();
        TableRows last = tables.peekLast();
        if (first == null || last == null) {
            return OptionalDouble.empty();
        }
        long before = first.rows().getOrDefault(table, 0L);
        return perSecond(last.rows().getOrDefault(table, before) - before, first.at(), last.at());
    }

    private static OptionalDouble perSecond(long counted, Instant from, Instant to) {
        return counted < 0 || !from.isBefore(to)
                ? OptionalDouble.empty()
                : OptionalDouble.of(counted * 1e9 / Duration.between(from, to).toNanos());
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
