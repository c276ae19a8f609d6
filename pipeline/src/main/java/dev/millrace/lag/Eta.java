package dev.millrace.lag;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Optional;

/// Estimates when work is done, from what remained of it at several times: the slope of the
/// regression line over the last half minute. Thread-safe.
public final class Eta {

    private static final Duration WINDOW = Duration.ofSeconds(30);

    /// A shorter history has no reliable rate.
    private static final Duration SHORTEST = Duration.ofSeconds(5);

    /// After a longer silence nothing is known.
    private static final Duration TOO_OLD = Duration.ofSeconds(10);

    private static final Duration INTERVAL = Duration.ofMillis(500);

    private record Sample(Instant at, double remaining) {}

    private final Deque<Sample> samples = new ArrayDeque<>();

    /// Samples that follow within half a second are ignored.
    public synchronized void sample(Instant at, double remaining) {
        if (!samples.isEmpty()
                && Duration.between(samples.getLast().at(), at).compareTo(INTERVAL) < 0) {
            return;
        }
        samples.addLast(new Sample(at, remaining));
        while (samples.getFirst().at().plus(WINDOW).isBefore(at)) {
            samples.removeFirst();
        }
    }

    /// Forgets everything: the work is interrupted, or what remains of it is unknown.
    public synchronized void reset() {
        samples.clear();
    }

    /// The time until nothing remains, at the rate of the window. Empty while that is unknown: the
    /// history is too short or too old, or the work does not become less.
    public synchronized Optional<Duration> remaining(Instant now) {
        if (samples.isEmpty()
                || Duration.between(samples.getLast().at(), now).compareTo(TOO_OLD) > 0) {
            return Optional.empty();
        }
        Sample last = samples.getLast();
        if (last.remaining() <= 0) {
            return Optional.of(Duration.ZERO);
        }
        double rate = -slope(last.at());
        boolean isShort =
                Duration.between(samples.getFirst().at(), last.at()).compareTo(SHORTEST) < 0;
        if (isShort || rate <= 0) {
            return Optional.empty();
        }
        double seconds = last.remaining() / rate - seconds(last.at(), now);
        return Optional.of(Duration.ofMillis(Math.round(1_000 * Math.max(0, seconds))));
    }

    /// Change per second, by least squares.
    private double slope(Instant origin) {
        double meanAt = 0;
        double meanRemaining = 0;
        for (Sample sample : samples) {
            meanAt += seconds(origin, sample.at()) / samples.size();
            meanRemaining += sample.remaining() / samples.size();
        }
        double both = 0;
        double square = 0;
        for (Sample sample : samples) {
            double at = seconds(origin, sample.at()) - meanAt;
            both += at * (sample.remaining() - meanRemaining);
            square += at * at;
        }
        return square == 0 ? 0 : both / square;
    }

    private static double seconds(Instant from, Instant to) {
        return Duration.between(from, to).toNanos() / 1e9;
    }
}
