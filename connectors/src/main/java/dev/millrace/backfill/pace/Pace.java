package dev.millrace.backfill.pace;

import dev.millrace.throttle.Throttle;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.function.BooleanSupplier;

/// Pauses the backfill, continues it, and limits how much it reads. Every change takes effect
/// within a second: reads that run end at their next row. Thread-safe.
public final class Pace {

    private final InstantSource clock;
    private final Throttle throttle;
    private volatile BooleanSupplier suspended = () -> false;
    private volatile boolean paused;
    private volatile long version;

    public Pace(InstantSource clock) {
        this.clock = clock;
        this.throttle = new Throttle(clock);
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

    /// Limits all tables together.
    public synchronized void throttle(Throttle.Limit limit) {
        throttle.limit(limit);
        version++;
    }

    /// @param share of the time in which existing rows are read, above 0; 1 for all of it
    public synchronized void slow(double share) {
        throttle.slow(share);
        version++;
    }

    public boolean isPaused() {
        return paused;
    }

    public Throttle.Limit limit() {
        return throttle.limit();
    }

    /// What is read at present.
    public Throttle.Rate rate() {
        return throttle.rate();
    }

    /// Changes with every change of what may be read.
    public long version() {
        return version;
    }

    /// Whether a read may begin now.
    public synchronized boolean mayRead() {
        return !paused && !suspended.getAsBoolean() && throttle.pause().isZero();
    }

    /// How many rows a read may return, so that all readers together keep the limit over one
    /// second.
    public long rowsPerRead(int readers) {
        return throttle.rowsPerStep(readers);
    }

    /// The same for bytes.
    public long bytesPerRead(int readers) {
        return throttle.bytesPerStep(readers);
    }

    /// One read, from now on. Not thread-safe; confined to its reader.
    public Read begin() {
        return new Read(clock.instant());
    }

    /// A read that is under way.
    public final class Read {

        private final Instant begun;

        private Read(Instant begun) {
            this.begun = begun;
        }

        /// Whether the read is longer than it should be while the backfill is slowed.
        public boolean isLong() {
            return throttle.share() < 1 && time().compareTo(Throttle.STEP) > 0;
        }

        private Duration time() {
            return Duration.between(begun, clock.instant());
        }

        /// Rows were read: the next read waits for their share of time.
        public void done(long rows, long bytes, int readers) {
            throttle.done(rows, bytes, time(), readers);
        }
    }
}
