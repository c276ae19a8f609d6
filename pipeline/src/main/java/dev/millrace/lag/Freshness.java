package dev.millrace.lag;

import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/// A lag in seconds: the time since the emission of the newest watermark that one stage of the
/// stream has reached. Every transaction that committed on the source before that emission has
/// reached the stage. Unknown until a watermark of this process has reached it, because the
/// emission times of an earlier process are not stored. Thread-safe.
///
/// @param <P> the position of a stage: a watermark's number, or its place in the WAL
public final class Freshness<P extends Comparable<P>> {

    private static final int MAX_EMITTED = 100_000;

    private final TreeMap<P, Instant> emitted = new TreeMap<>();
    private Instant reached = Instant.MIN;

    public synchronized void emitted(P position, Instant at) {
        emitted.put(position, at);
        if (emitted.size() > MAX_EMITTED) {
            // Removes the second oldest: an older emission time is still an upper bound of the lag.
            emitted.remove(emitted.higherKey(emitted.firstKey()));
        }
    }

    public synchronized void reached(P position) {
        Map.Entry<P, Instant> newest = emitted.floorEntry(position);
        if (newest != null) {
            emitted.headMap(newest.getKey(), false).clear();
            reached = newest.getValue();
        }
    }

    public synchronized Optional<Duration> age(Instant now) {
        return reached.equals(Instant.MIN)
                ? Optional.empty()
                : Optional.of(Duration.between(reached, now));
    }
}
