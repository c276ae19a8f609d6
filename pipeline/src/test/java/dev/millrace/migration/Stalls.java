package dev.millrace.migration;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.flow.FlowReport;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.locks.LockSupport;

/// Records when this machine ran a thread later than it was due, so that a test can tell a reaction
/// that came late from a thread that did. Thread-safe.
final class Stalls implements AutoCloseable {

    private static final Duration TICK = Duration.ofMillis(20);

    private record Stall(Instant from, Instant to) {

        Duration within(Instant begin, Instant end) {
            Instant later = from.isAfter(begin) ? from : begin;
            Instant earlier = to.isBefore(end) ? to : end;
            return later.isBefore(earlier) ? Duration.between(later, earlier) : Duration.ZERO;
        }
    }

    private final List<Stall> stalls = new CopyOnWriteArrayList<>();
    private volatile boolean ended;

    Stalls() {
        Thread.ofPlatform().daemon().name("stalls").start(this::watch);
    }

    private void watch() {
        Instant last = Instant.now();
        while (!ended) {
            LockSupport.parkNanos(TICK.toNanos());
            Instant now = Instant.now();
            if (Duration.between(last, now).compareTo(TICK.multipliedBy(2)) > 0) {
                stalls.add(new Stall(last, now));
            }
            last = now;
        }
    }

    private Duration between(Instant begin, Instant end) {
        return stalls.stream()
                .map(stall -> stall.within(begin, end))
                .reduce(Duration.ZERO, Duration::plus);
    }

    /// Requires that it happened within a second. What the machine did not run is not the
    /// product's.
    ///
    /// @param due when its reason was there
    void requireWithinASecond(Instant due, Instant at) {
        assertThat(Duration.between(due, at))
                .isLessThanOrEqualTo(Duration.ofSeconds(1).plus(between(due, at)));
    }

    /// Requires that the condition holds since a second after its time at most.
    void requireInTime(FlowReport.Condition held) {
        Instant due =
                Objects.requireNonNull(held.aboveSince())
                        .plusMillis((long) (held.forSeconds() * 1000));
        Instant since = Objects.requireNonNull(held.since());
        assertThat(since).isAfterOrEqualTo(due);
        requireWithinASecond(due, since);
    }

    @Override
    public void close() {
        ended = true;
    }
}
