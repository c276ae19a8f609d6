package dev.millrace.bench;

import dev.millrace.bench.Contestant.ContestantFailed;
import java.time.Duration;
import java.util.concurrent.locks.LockSupport;

/// Limits a wait that polls. Immutable, thread-safe.
///
/// @param nanoTime the value of [System#nanoTime] at which the wait has failed
record Deadline(long nanoTime, Duration length) {

    static Deadline in(Duration length) {
        return new Deadline(System.nanoTime() + length.toNanos(), length);
    }

    /// Waits until the next poll.
    ///
    /// @param what what the caller waits for, for the message
    /// @throws ContestantFailed if the time is over or the thread was interrupted
    void pause(Duration interval, String what) {
        if (System.nanoTime() - nanoTime > 0) {
            throw new ContestantFailed(
                    "Waited " + length.toSeconds() + " s for " + what + ". Gave up.");
        }
        pause(interval);
    }

    static void pause(Duration interval) {
        LockSupport.parkNanos(interval.toNanos());
        if (Thread.interrupted()) {
            Thread.currentThread().interrupt();
            throw new ContestantFailed("The benchmark was interrupted.");
        }
    }
}
