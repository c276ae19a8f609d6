package dev.millrace.lag;

import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// The amount of data that is not yet processed, as it was last read. A reading older than 10 s
/// counts as unknown. Thread-safe.
public final class Backlog {

    private static final Duration TOO_OLD = Duration.ofSeconds(10);

    private record Reading(long value, Instant at) {}

    private volatile @Nullable Reading sourceBytes;
    private volatile @Nullable Reading captureBytes;
    private volatile @Nullable Reading records;
    private volatile @Nullable Reading slotActive;
    private volatile @Nullable Reading safeWalBytes;

    public void sourceBytes(long bytes, Instant at) {
        sourceBytes = new Reading(Math.max(0, bytes), at);
    }

    public void captureBytes(long bytes, Instant at) {
        captureBytes = new Reading(Math.max(0, bytes), at);
    }

    public void slotActive(boolean active, Instant at) {
        slotActive = new Reading(active ? 1 : 0, at);
    }

    public void records(long count, Instant at) {
        records = new Reading(Math.max(0, count), at);
    }

    public void safeWalBytes(long bytes, Instant at) {
        safeWalBytes = new Reading(Math.max(0, bytes), at);
    }

    /// Bytes of WAL that the source retains for the replication slot.
    public Optional<Long> sourceBytes(Instant now) {
        return fresh(sourceBytes, now);
    }

    /// Bytes of WAL whose changes are not in the log. Less than what the source retains, because
    /// the slot confirms the progress of the log only from time to time.
    public Optional<Long> captureBytes(Instant now) {
        return fresh(captureBytes, now);
    }

    /// Whether a session streams from the replication slot. Without one, the source retains all WAL
    /// from now on.
    public Optional<Boolean> slotActive(Instant now) {
        return fresh(slotActive, now).map(active -> active == 1);
    }

    /// Changes of rows in the log that are not applied.
    public Optional<Long> records(Instant now) {
        return fresh(records, now);
    }

    /// Bytes of WAL that the source can still write before it may invalidate the slot; empty also
    /// if the source sets no limit.
    public Optional<Long> safeWalBytes(Instant now) {
        return fresh(safeWalBytes, now);
    }

    private static Optional<Long> fresh(@Nullable Reading reading, Instant now) {
        return reading == null || Duration.between(reading.at(), now).compareTo(TOO_OLD) > 0
                ? Optional.empty()
                : Optional.of(reading.value());
    }
}
