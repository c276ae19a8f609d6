package dev.millrace.bench.contestant;

import dev.millrace.bench.contestant.Contestant.ContestantFailed;
import java.time.Duration;
import java.util.concurrent.CancellationException;
import java.util.concurrent.locks.LockSupport;

/// Limits a wait that polls. Immutable, thread-safe.
///
/// @param nanoTime the value of [System#nanoTime] at which the wait has failed
public record Deadline(long nanoTime, Duration length) {

    public static Deadline in(Duration length) {
        return new Deadline(System.nanoTime() + length.toNanos(), length);
    }

    /// Waits until the next poll.
    ///
    /// @param what what the caller waits for, for the message
    /// @throws ContestantFailed if the time is over
    /// @throws CancellationException if the thread was interrupted
    public void pause(Duration interval, String what) {
        if (System.nanoTime() - nanoTime > 0) {
            throw new ContestantFailed(
                    "Waited " + length.toSeconds() + " s for " + what + ". Gave up.");
        }
        pause(interval);
    }

    public static void pause(Duration interval) {
        LockSupport.parkNanos(interval.toNanos());
        if (Thread.currentThread().isInterrupted()) {
            throw new CancellationException();
        }
    }
}
