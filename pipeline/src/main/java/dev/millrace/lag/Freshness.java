package dev.millrace.lag;

import dev.millrace.change.WatermarkNumber;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/// The age of the target's content: how long ago the newest watermark was emitted that every
/// partition has applied. Everything the source committed before that moment is in the target.
/// Empty until a watermark of this process was applied, for those of an older one have no time
/// here. Safe for any thread.
public final class Freshness {

    private static final int REMEMBERED = 100_000;

    private final TreeMap<WatermarkNumber, Instant> emitted = new TreeMap<>();

    public synchronized void emitted(WatermarkNumber number, Instant at) {
        emitted.put(number, at);
        if (emitted.size() > REMEMBERED) {
            // Keep the older half thinned out: a coarser time is still a true upper bound.
            emitted.remove(emitted.higherKey(emitted.firstKey()));
        }
    }

    public synchronized void applied(WatermarkNumber number) {
        Map.Entry<WatermarkNumber, Instant> newest = emitted.floorEntry(number);
        if (newest != null) {
            emitted.headMap(newest.getKey(), false).clear();
            known = newest.getValue();
        }
    }

    private Instant known = Instant.MIN;

    public synchronized Optional<Duration> age(Instant now) {
        return known.equals(Instant.MIN)
                ? Optional.empty()
                : Optional.of(Duration.between(known, now));
    }
}
