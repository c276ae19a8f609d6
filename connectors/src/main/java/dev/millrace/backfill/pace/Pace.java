package dev.millrace.backfill.pace;

import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.OptionalLong;
import java.util.function.BooleanSupplier;

/// Pauses the backfill, continues it, and limits its rows per second. Every change takes effect
/// within a second: reads that run end at their next row. Thread-safe.
public final class Pace {

    private final InstantSource clock;
    private volatile BooleanSupplier suspended = () -> false;
    private volatile boolean paused;
    private OptionalLong rowsPerSecond = OptionalLong.empty();
    private Instant notBefore = Instant.MIN;
    private volatile long version;

    public Pace(InstantSource clock) {
        this.clock = clock;
    }

    /// Keeps every read, also that of a single key, from beginning while the condition is true. The
    /// operator's settings stay as they are.
    public void suspendWhile(BooleanSupplier condition) {
        suspended = condition;
    }

    public synchronized void pause() {
        paused = true;
        version++;
    }

    public synchronized void resume() {
        paused = false;
        version++;
    }

    /// @param rows at least 1, for all tables together; empty for no limit
    public synchronized void throttle(OptionalLong rows) {
        if (rows.isPresent() && rows.getAsLong() < 1) {
            throw new IllegalArgumentException("fewer than 1 row per second: " + rows);
        }
        rowsPerSecond = rows;
        notBefore = Instant.MIN;
        version++;
    }

    public boolean isPaused() {
        return paused;
    }

    public synchronized OptionalLong rowsPerSecond() {
        return rowsPerSecond;
    }

    /// Changes with every call of the operator.
    public long version() {
        return version;
    }

    /// Whether a read may begin now.
    public synchronized boolean mayRead() {
        return !paused && !suspended.getAsBoolean() && !clock.instant().isBefore(notBefore);
    }

    /// How many rows a read may return, so that all readers together keep the limit over one
    /// second.
    public synchronized long rowsPerRead(int readers) {
        return rowsPerSecond.isPresent()
                ? Math.max(1, rowsPerSecond.getAsLong() / readers)
                : Long.MAX_VALUE;
    }

    /// Rows were read: the next read waits for their share of time.
    public synchronized void read(long rows) {
        if (rowsPerSecond.isPresent()) {
            Instant now = clock.instant();
            Instant from = notBefore.isAfter(now) ? notBefore : now;
            notBefore =
                    from.plus(Duration.ofNanos(1_000_000_000L * rows / rowsPerSecond.getAsLong()));
        }
    }
}
