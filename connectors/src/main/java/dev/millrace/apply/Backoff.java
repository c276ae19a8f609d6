package dev.millrace.apply;

import java.time.Duration;

/// Waits between two attempts.
@FunctionalInterface
public interface Backoff {

    /// @param attempt the number of attempts that failed in a row, from 1
    void await(int attempt) throws InterruptedException;

    /// 100 ms, doubled by each failure up to 2 s: a target that comes back is used at once.
    static Backoff doubling() {
        return attempt ->
                Thread.sleep(Duration.ofMillis(Math.min(2_000, 50L << Math.min(attempt, 6))));
    }
}
