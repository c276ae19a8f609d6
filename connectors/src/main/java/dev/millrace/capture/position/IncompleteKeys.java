package dev.millrace.capture.position;

import dev.millrace.backfill.BackfillState.Fact;
import dev.millrace.change.RowKey;
import java.util.Collection;
import java.util.HashMap;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Set;
import java.util.TreeMap;

/// At which watermarks the log lacked cells of a row, and whether later reads have completed those
/// rows. A reader that compares the target at such a watermark would take a row that awaits its
/// read for a wrong one. Thread-safe.
public final class IncompleteKeys {

    /// Older watermarks count as incomplete for as long as any key is.
    private static final int MOST_WATERMARKS = 10_000;

    private final Map<RowKey, Long> since = new HashMap<>();
    private final NavigableMap<Long, Long> watermarks = new TreeMap<>();
    private long batch;

    /// Takes over the keys that the log contains at the start of a run.
    public synchronized void begin(Collection<RowKey> keys) {
        since.keySet().retainAll(keys);
        keys.forEach(key -> since.putIfAbsent(key, batch));
    }

    /// Adds a batch after its commit.
    ///
    /// @param numbers of the watermarks in the batch
    /// @param awaiting keys that awaited a read at any place of the batch, whether or not its end
    ///   completes them
    public synchronized void committed(
            Collection<Long> numbers, Set<RowKey> awaiting, Collection<Fact> facts) {
        batch++;
        boolean incomplete = !since.isEmpty() || !awaiting.isEmpty();
        for (Fact fact : facts) {
            if (fact instanceof Fact.OfKey(RowKey key, boolean needed)) {
                if (needed) {
                    since.putIfAbsent(key, batch);
                } else {
                    since.remove(key);
                }
            }
        }
        if (incomplete) {
            numbers.forEach(number -> watermarks.put(number, batch));
            while (watermarks.size() > MOST_WATERMARKS) {
                watermarks.pollFirstEntry();
            }
        }
    }

    /// Whether a row awaited its read at the place of a watermark that is in the log.
    public synchronized boolean isIncompleteAt(long watermark) {
        boolean forgotten =
                watermarks.size() == MOST_WATERMARKS && watermark < watermarks.firstKey();
        return forgotten || watermarks.containsKey(watermark);
    }

    /// Whether the log contains every read that was awaited at the place of a watermark.
    public synchronized boolean isCompleted(long watermark) {
        long at = watermarks.getOrDefault(watermark, batch);
        return since.values().stream().allMatch(opened -> opened > at);
    }
}
