package dev.millrace.lag;

import dev.millrace.change.WatermarkNumber;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/// The end-to-end lag: the time since the emission of the newest watermark that every partition has
/// applied. Every transaction that committed on the source before that emission is in the target.
/// Unknown until a watermark of this process is applied, because the emission times of an earlier
/// process are not stored. Thread-safe.
public final class Freshness {

    private static final int MAX_EMITTED = 100_000;

    private final TreeMap<WatermarkNumber, Instant> emitted = new TreeMap<>();
    private Instant applied = Instant.MIN;

    public synchronized void emitted(WatermarkNumber number, Instant at) {
        emitted.put(number, at);
        if (emitted.size() > MAX_EMITTED) {
            // Removes the second oldest: an older emission time is still an upper bound of the lag.
            emitted.remove(emitted.higherKey(emitted.firstKey()));
        }
    }

    public synchronized void applied(WatermarkNumber number) {
        Map.Entry<WatermarkNumber, Instant> newest = emitted.floorEntry(number);
        if (newest != null) {
            emitted.headMap(newest.getKey(), false).clear();
            applied = newest.getValue();
        }
    }

    public synchronized Optional<Duration> age(Instant now) {
        return applied.equals(Instant.MIN)
                ? Optional.empty()
                : Optional.of(Duration.between(applied, now));
    }
}
