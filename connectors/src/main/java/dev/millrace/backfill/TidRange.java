package dev.millrace.backfill;

import java.util.ArrayList;
import java.util.List;

/// A half-open range of row positions (`ctid`) in one heap: `from` is in it, `to` is not. A
/// position is a page number and a line number in one number, so positions have a successor.
/// Immutable.
///
/// @param to [#END] for a range without an upper bound
public record TidRange(long from, long to) {

    /// Beyond every position.
    public static final long END = Long.MAX_VALUE;

    private static final int LINE_BITS = 16;
    private static final long LINE_MASK = (1L << LINE_BITS) - 1;

    public static final TidRange ALL = new TidRange(0, END);

    public TidRange {
        if (from < 0 || to < from) {
            throw new IllegalArgumentException("not a range: " + from + " to " + to);
        }
    }

    /// The first position of a page.
    public static long page(long page) {
        return page << LINE_BITS;
    }

    public static long tid(long page, int line) {
        return page(page) | line;
    }

    /// The number of the page that contains the position.
    public static long pageOf(long tid) {
        return tid >>> LINE_BITS;
    }

    public boolean isEmpty() {
        return from == to;
    }

    public boolean isOpenEnded() {
        return to == END;
    }

    /// The condition that selects the range, for a TID range scan.
    String condition() {
        String lower = "ctid >= '" + text(from) + "'";
        return isOpenEnded() ? lower : lower + " AND ctid < '" + text(to) + "'";
    }

    private static String text(long tid) {
        return "(" + pageOf(tid) + "," + (tid & LINE_MASK) + ")";
    }

    /// A set of positions: ranges in order that neither overlap nor touch. Immutable.
    public record Union(List<TidRange> ranges) {

        public static final Union NONE = new Union(List.of());

        public Union {
            ranges = List.copyOf(ranges);
            for (int i = 1; i < ranges.size(); i++) {
                if (ranges.get(i).from() <= ranges.get(i - 1).to()) {
                    throw new IllegalArgumentException("ranges overlap or touch: " + ranges);
                }
            }
        }

        public Union plus(TidRange added) {
            if (added.isEmpty()) {
                return this;
            }
            List<TidRange> result = new ArrayList<>();
            TidRange merged = added;
            for (TidRange range : ranges) {
                if (range.to() < merged.from()) {
                    result.add(range);
                } else if (range.from() <= merged.to()) {
                    merged =
                            new TidRange(
                                    Math.min(range.from(), merged.from()),
                                    Math.max(range.to(), merged.to()));
                } else {
                    result.add(merged);
                    merged = range;
                }
            }
            result.add(merged);
            return new Union(result);
        }

        /// The positions that are not in this set.
        public Union missing() {
            List<TidRange> gaps = new ArrayList<>();
            long next = 0;
            for (TidRange range : ranges) {
                if (range.from() > next) {
                    gaps.add(new TidRange(next, range.from()));
                }
                next = range.to();
            }
            if (next < END) {
                gaps.add(new TidRange(next, END));
            }
            return new Union(gaps);
        }

        public boolean isEverything() {
            return missing().ranges().isEmpty();
        }
    }
}
