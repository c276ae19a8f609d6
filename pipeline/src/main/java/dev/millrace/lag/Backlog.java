package dev.millrace.lag;

import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// What waits on the way, each part as it was last read; a reading that is too old counts as
/// unknown. Safe for any thread.
public final class Backlog {

    private static final Duration TOO_OLD = Duration.ofSeconds(10);

    private record Reading(long value, Instant at) {}

    private volatile @Nullable Reading sourceBytes;
    private volatile @Nullable Reading records;

    public void sourceBytes(long bytes, Instant at) {
        sourceBytes = new Reading(Math.max(0, bytes), at);
    }

    public void records(long count, Instant at) {
        records = new Reading(Math.max(0, count), at);
    }

    /// WAL that the source keeps for us.
    public Optional<Long> sourceBytes(Instant now) {
        return fresh(sourceBytes, now);
    }

    /// Records of both topics that are not applied.
    public Optional<Long> records(Instant now) {
        return fresh(records, now);
    }

    private static Optional<Long> fresh(@Nullable Reading reading, Instant now) {
        return reading == null || Duration.between(reading.at(), now).compareTo(TOO_OLD) > 0
                ? Optional.empty()
                : Optional.of(reading.value());
    }
}
