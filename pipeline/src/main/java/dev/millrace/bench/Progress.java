package dev.millrace.bench;

import dev.millrace.bench.contestant.BenchServers;
import dev.millrace.bench.contestant.Contestant.Copying;
import dev.millrace.bench.contestant.CpuTime.Usage;
import dev.millrace.bench.contestant.Deadline;
import java.io.IOException;
import java.sql.SQLException;
import java.time.Duration;

/// When a contestant began and ended a piece of work, as values of [System#nanoTime]. Immutable.
///
/// @param begun the last poll at which no row had been read, or no change was visible
/// @param firstVisible when the first row or change was seen on the target
/// @param done when everything was seen on the target
/// @param usage CPU time from `begun` to `done`
record Progress(long begun, long firstVisible, long done, Usage usage) {

    private static final Duration POLL = Duration.ofMillis(20);

    /// How often a contestant is asked whether it still works.
    private static final Duration HEALTH = Duration.ofSeconds(1);

    /// A contestant slower than this has failed.
    private static final long LEAST_PER_SECOND = 1_000;

    private static final Duration START = Duration.ofMinutes(5);

    /// When the clock starts.
    enum Begin {
        /// When the contestant reads its first row; if it does not show that, when the first row is
        /// visible on the target.
        READING,
        /// When the first row or change is visible on the target.
        VISIBLE
    }

    /// Waits until everything is visible on the target.
    ///
    /// @param amount number of rows or changes
    static Progress await(Turn turn, Copying copying, Arrival arrival, Begin begin, long amount)
            throws IOException, SQLException {
        BenchServers servers = turn.route().servers();
        Deadline deadline = Deadline.in(START.plusSeconds(amount / LEAST_PER_SECOND));
        Usage usage = servers.usage(copying.processes());
        long begun = System.nanoTime();
        long checked = begun;
        long firstVisible = 0;
        boolean hasBegun = false;
        while (true) {
            long now = System.nanoTime();
            if (!hasBegun) {
                Usage before = servers.usage(copying.processes());
                hasBegun = firstVisible != 0 || (begin == Begin.READING && copying.hasBegun());
                if (!hasBegun) {
                    begun = now;
                    usage = before;
                }
            }
            if (firstVisible == 0 && arrival.hasBegun()) {
                firstVisible = now;
            }
            if (arrival.isComplete()) {
                return new Progress(
                        begun,
                        firstVisible == 0 ? now : firstVisible,
                        now,
                        servers.usage(copying.processes()).since(usage));
            }
            if (now - checked > HEALTH.toNanos()) {
                checked = now;
                boolean _ = copying.follows();
            }
            turn.narration().progress(turn.name(), arrival.share());
            deadline.pause(POLL, turn.name() + " to bring " + amount + " rows or changes");
        }
    }

    double seconds() {
        return seconds(begun, done);
    }

    /// Seconds between two times. Below the interval of the polls the measure knows nothing.
    static double seconds(long from, long to) {
        return Math.max(POLL.toNanos(), to - from) / 1e9;
    }
}
