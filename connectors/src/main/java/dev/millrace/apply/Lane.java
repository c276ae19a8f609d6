package dev.millrace.apply;

import dev.millrace.control.StoredOffset;
import java.time.Duration;
import java.time.Instant;

/// One partition on its way: its queue, whether a transaction of it is under way, and when its
/// stored offset last moved. For the consumer's thread.
final class Lane {

    private final PartitionQueue queue;
    private boolean inFlight;
    private Instant moved = Instant.EPOCH;

    Lane(StoredOffset stored) {
        queue = new PartitionQueue(stored);
    }

    PartitionQueue queue() {
        return queue;
    }

    boolean inFlight() {
        return inFlight;
    }

    void sent() {
        inFlight = true;
    }

    void back() {
        inFlight = false;
    }

    void applied(StoredOffset to, Instant now) {
        queue.applied(to);
        moved = now;
    }

    /// Rows go at once; watermarks alone wait until the stored offset has rested. A clock that was
    /// set back doesn't make them wait longer.
    boolean isDue(Instant now, Duration idleMove) {
        return !inFlight
                && queue.size() > 0
                && (!queue.isIdle() || Duration.between(moved, now).abs().compareTo(idleMove) >= 0);
    }

    /// Nothing is under way and a truncate stands right behind the stored offset.
    boolean holds() {
        return !inFlight && queue.truncate().isPresent();
    }
}
