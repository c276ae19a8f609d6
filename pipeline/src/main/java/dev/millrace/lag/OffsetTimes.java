package dev.millrace.lag;

import java.time.Instant;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/// When the records of one partition were written: by the ends that the partition had at several
/// times, and for a record that is older than these, by its own time. Not thread-safe.
public final class OffsetTimes {

    /// Enough for an hour of observations once a second; then older ones become coarser.
    private static final int MAX_POINTS = 3_600;

    private record Written(long offset, Instant at) {}

    /// By an end of the partition, the last time at which the partition ended there: the record at
    /// that offset was written later.
    private final TreeMap<Long, Instant> lastEndedAt = new TreeMap<>();

    private @Nullable Long firstEnd;
    private @Nullable Written old;

    /// The partition ends at this offset at this time.
    public void ends(long end, Instant at) {
        if (firstEnd == null) {
            firstEnd = end;
        }
        lastEndedAt.put(end, at);
        if (lastEndedAt.size() > MAX_POINTS) {
            thin();
        }
    }

    /// The record at this offset, which is older than every observed end, says when it was written.
    public void written(long offset, Instant at) {
        old = new Written(offset, at);
    }

    /// Whether only the record itself can say when it was written, and was not asked yet.
    public boolean isUnread(long offset) {
        return isOld(offset) && (old == null || old.offset() != offset);
    }

    private boolean isOld(long offset) {
        return firstEnd == null || offset < firstEnd;
    }

    /// The time after which the record at this offset was written, so that its age is at most the
    /// time since then. Empty while that is unknown.
    public Optional<Instant> writtenAfter(long offset) {
        if (isOld(offset)) {
            return Optional.ofNullable(old)
                    .filter(known -> known.offset() <= offset)
                    .map(Written::at);
        }
        return Optional.ofNullable(lastEndedAt.floorEntry(offset)).map(Map.Entry::getValue);
    }

    /// Forgets what no record from this offset on needs.
    public void forgetBefore(long offset) {
        Long needed = lastEndedAt.floorKey(offset);
        if (needed != null) {
            lastEndedAt.headMap(needed, false).clear();
        }
    }

    /// Removes every second point between the first and the last. An age becomes larger, never
    /// smaller.
    private void thin() {
        boolean keep = true;
        for (Long end : lastEndedAt.keySet().toArray(Long[]::new)) {
            if (!keep && !end.equals(lastEndedAt.lastKey())) {
                lastEndedAt.remove(end);
            }
            keep = !keep;
        }
    }
}
