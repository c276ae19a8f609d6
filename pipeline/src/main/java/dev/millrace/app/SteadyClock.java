package dev.millrace.app;

import java.time.Instant;
import java.time.InstantSource;
import java.util.function.LongSupplier;

/// The time of the machine at the start of the process, and from then on what has passed since. A
/// machine's clock that is set forward or back changes no lag, no deadline and no age of this
/// process: a lag would be negative, or records of the log would look old enough to be deleted.
/// Times that are shown differ from the machine's by what it was set since the start. Thread-safe.
final class SteadyClock implements InstantSource {

    private final Instant start;
    private final long startNanos;
    private final LongSupplier nanos;

    /// @param machine read once
    /// @param nanos of a monotonic clock
    SteadyClock(InstantSource machine, LongSupplier nanos) {
        this.start = machine.instant();
        this.startNanos = nanos.getAsLong();
        this.nanos = nanos;
    }

    static InstantSource ofProcess() {
        return new SteadyClock(InstantSource.system(), System::nanoTime);
    }

    @Override
    public Instant instant() {
        return start.plusNanos(nanos.getAsLong() - startNanos);
    }
}
