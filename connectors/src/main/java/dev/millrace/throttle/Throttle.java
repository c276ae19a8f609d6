package dev.millrace.throttle;

import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.OptionalLong;

/// Limits work that several threads do in steps: to rows and bytes per second of all threads
/// together, and to a share of the time. A step begins when [#pause] is zero and is counted by
/// [#done]. A change takes effect with the next step. Thread-safe.
public final class Throttle {

    /// How long a step of work that is limited to a share of the time should take at most.
    public static final Duration STEP = Duration.ofMillis(250);

    /// A step that took long by itself, for example because of a lock, is not followed by a longer
    /// pause.
    private static final Duration LONGEST_PAUSE = Duration.ofSeconds(5);

    /// What counts for [#rate].
    private static final Duration WINDOW = Duration.ofSeconds(5);

    /// What may be done per second; empty without a limit.
    public record Limit(OptionalLong rows, OptionalLong bytes) {

        public static final Limit NONE = new Limit(OptionalLong.empty(), OptionalLong.empty());

        public Limit {
            rows.ifPresent(each -> requirePositive("row", each));
            bytes.ifPresent(each -> requirePositive("byte", each));
        }

        private static void requirePositive(String what, long number) {
            if (number < 1) {
                throw new IllegalArgumentException(
                        "fewer than 1 %s per second: %d".formatted(what, number));
            }
        }

        public static Limit ofRows(long rows) {
            return new Limit(OptionalLong.of(rows), OptionalLong.empty());
        }

        public static Limit ofBytes(long bytes) {
            return new Limit(OptionalLong.empty(), OptionalLong.of(bytes));
        }
    }

    /// What was done per second.
    public record Rate(double rows, double bytes) {}

    private record Step(long rows, long bytes, Instant at) {}

    private final InstantSource clock;
    private final Deque<Step> steps = new ArrayDeque<>();
    private Limit limit = Limit.NONE;
    private double share = 1;
    private Instant notBefore = Instant.MIN;

    public Throttle(InstantSource clock) {
        this.clock = clock;
    }

    public synchronized void limit(Limit next) {
        if (!next.equals(limit)) {
            limit = next;
            notBefore = Instant.MIN;
        }
    }

    public synchronized Limit limit() {
        return limit;
    }

    /// @param of the time in which work is done, above 0; 1 for all of it
    public synchronized void slow(double of) {
        if (!(of > 0 && of <= 1)) {
            throw new IllegalArgumentException("no share of the time: " + of);
        }
        if (of != share) {
            share = of;
            notBefore = Instant.MIN;
        }
    }

    public synchronized double share() {
        return share;
    }

    /// How long the next step has to wait; zero if it may begin now.
    public synchronized Duration pause() {
        Instant now = clock.instant();
        return notBefore.isAfter(now) ? Duration.between(now, notBefore) : Duration.ZERO;
    }

    /// How many rows a step may have, so that all workers together keep the limit over one second.
    public synchronized long rowsPerStep(int workers) {
        return part(limit.rows(), workers);
    }

    /// The same for bytes. A step has at least one row, whatever its size.
    public synchronized long bytesPerStep(int workers) {
        return part(limit.bytes(), workers);
    }

    private static long part(OptionalLong perSecond, int workers) {
        return perSecond.isPresent()
                ? Math.max(1, perSecond.getAsLong() / workers)
                : Long.MAX_VALUE;
    }

    /// A step was done: the next one waits for its share of time.
    ///
    /// @param workers that do steps at the same time
    public synchronized void done(long rows, long bytes, Duration took, int workers) {
        Instant now = clock.instant();
        steps.addLast(new Step(rows, bytes, now));
        forget(now);
        Duration pause = longer(pause(limit.rows(), rows), pause(limit.bytes(), bytes));
        if (share < 1) {
            long nanos = (long) (took.toNanos() * (1 / share - 1) / workers);
            Duration rest = Duration.ofNanos(nanos);
            pause = longer(pause, rest.compareTo(LONGEST_PAUSE) > 0 ? LONGEST_PAUSE : rest);
        }
        if (pause.isPositive()) {
            notBefore = (notBefore.isAfter(now) ? notBefore : now).plus(pause);
        }
    }

    private static Duration pause(OptionalLong perSecond, long done) {
        return perSecond.isPresent()
                ? Duration.ofNanos((long) (1e9 * done / perSecond.getAsLong()))
                : Duration.ZERO;
    }

    private static Duration longer(Duration one, Duration other) {
        return one.compareTo(other) > 0 ? one : other;
    }

    private void forget(Instant now) {
        while (!steps.isEmpty() && steps.getFirst().at().plus(WINDOW).isBefore(now)) {
            steps.removeFirst();
        }
    }

    /// The average of the last five seconds.
    public synchronized Rate rate() {
        forget(clock.instant());
        double seconds = WINDOW.toSeconds();
        return new Rate(
                steps.stream().mapToLong(Step::rows).sum() / seconds,
                steps.stream().mapToLong(Step::bytes).sum() / seconds);
    }
}
