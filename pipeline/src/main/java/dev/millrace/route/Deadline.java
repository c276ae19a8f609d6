package dev.millrace.route;

import java.time.Duration;
import java.util.concurrent.locks.LockSupport;

/// Limits a wait that polls another program. Immutable; thread-safe.
///
/// @param nanoTime the value of [System#nanoTime] at which the time is over
record Deadline(long nanoTime) {

    static Deadline in(Duration length) {
        return new Deadline(System.nanoTime() + length.toNanos());
    }

    /// At least one millisecond, because zero means "no limit" to a socket.
    Duration left() {
        return Duration.ofNanos(Math.max(1_000_000, nanoTime - System.nanoTime()));
    }

    /// Waits until the next poll.
    ///
    /// @return false when the time is over or the thread was interrupted; the caller then stops
    boolean pause(Duration interval) {
        if (System.nanoTime() - nanoTime >= 0) {
            return false;
        }
        LockSupport.parkNanos(Math.min(interval.toNanos(), left().toNanos()));
        return !Thread.currentThread().isInterrupted();
    }
}
