package dev.millrace.lag;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Optional;

/// Estimates when the target has caught up. What remains are the changes in the log that are not
/// applied, and those in WAL that is not captured: their number follows from how many changes a
/// byte of WAL had lately. Thread-safe.
public final class CatchUpEta {

    private static final Duration WINDOW = Duration.ofSeconds(30);

    /// WAL that is still read although everything is captured: the watermarks and what other
    /// databases of the server write.
    private static final long IDLE_BYTES = 64 * 1024;

    private record Captured(Instant at, long changes, long position) {}

    private final Deque<Captured> captured = new ArrayDeque<>();
    private final Eta eta = new Eta();

    /// @param waiting changes in the log that are not applied
    /// @param walBytes WAL that is not captured
    /// @param changes captured by this process
    /// @param position up to which the WAL is captured, in bytes
    public synchronized void sample(
            Instant at, long waiting, long walBytes, long changes, long position) {
        captured.addLast(new Captured(at, changes, position));
        while (captured.getFirst().at().plus(WINDOW).isBefore(at)) {
            captured.removeFirst();
        }
        if (walBytes <= IDLE_BYTES) {
            eta.sample(at, waiting);
            return;
        }
        Captured first = captured.getFirst();
        long bytes = position - first.position();
        if (bytes <= 0) {
            // Inside a large transaction the position stays: nobody knows how long it still is.
            eta.reset();
        } else {
            eta.sample(at, waiting + (double) walBytes * (changes - first.changes()) / bytes);
        }
    }

    public synchronized void reset() {
        captured.clear();
        eta.reset();
    }

    public Optional<Duration> remaining(Instant now) {
        return eta.remaining(now);
    }
}
