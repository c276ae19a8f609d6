package dev.millrace.apply.task;

import java.util.BitSet;
import java.util.TreeMap;

/// The transactions in which this process wrote rows of the target, by their ids with epoch. An id
/// is added before its transaction commits, so a row that is visible has an id that is known here.
/// Rows that were written under a savepoint have other ids, which are not known. Thread-safe.
///
/// Keeps about 67 million consecutive ids, with one bit for each. Of older ones, and of those that
/// [#forgetBefore] names, it says that they are its own: nothing is known of them.
public final class OwnTransactions {

    private static final int SEGMENT_BITS = 16;
    private static final int MOST_SEGMENTS = 1_024;

    private final TreeMap<Long, BitSet> segments = new TreeMap<>();
    private long first;

    public synchronized void add(long id) {
        segments.computeIfAbsent(id >> SEGMENT_BITS, _ -> new BitSet()).set(bit(id));
        while (segments.size() > MOST_SEGMENTS) {
            long oldest = segments.firstKey();
            segments.remove(oldest);
            first = Math.max(first, (oldest + 1) << SEGMENT_BITS);
        }
    }

    public synchronized boolean contains(long id) {
        if (id < first) {
            return true;
        }
        BitSet segment = segments.get(id >> SEGMENT_BITS);
        return segment != null && segment.get(bit(id));
    }

    public synchronized void forgetBefore(long id) {
        first = Math.max(first, id);
        segments.headMap(first >> SEGMENT_BITS).clear();
    }

    private static int bit(long id) {
        return (int) (id & ((1L << SEGMENT_BITS) - 1));
    }
}
