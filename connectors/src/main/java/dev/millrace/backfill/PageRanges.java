package dev.millrace.backfill;

import java.util.List;
import java.util.Optional;

/// The plan of one leaf: which ranges of pages are still to be read, and how large the next one is.
/// Learns from each read how many bytes and rows a page contains. The last range has no upper
/// bound, so rows beyond the pages that the plan knows are read too. Performs no I/O. Not
/// thread-safe.
final class PageRanges {

    private static final int MOST_PAGES = 1_024;

    /// The first ranges are small, because nothing is known about the rows: TOASTed values can make
    /// a page thousands of times larger than it is on disk.
    private static final int FIRST_PAGES = 128;

    private final long pages;
    private TidRange.Union todo;
    private int taken;
    private double bytesPerPage;
    private double rowsPerPage;

    /// @param todo what is not read
    /// @param pages size of the leaf when it was looked at
    PageRanges(TidRange.Union todo, long pages) {
        this.todo = todo;
        this.pages = pages;
    }

    /// Takes the next range, until [#written] or [#giveBack].
    ///
    /// @param maxBytes, maxRows how much the range shall contain, approximately
    Optional<TidRange> take(long maxBytes, long maxRows) {
        if (todo.ranges().isEmpty()) {
            return Optional.empty();
        }
        TidRange first = todo.ranges().getFirst();
        long end = TidRange.page(TidRange.pageOf(first.from()) + size(maxBytes, maxRows));
        boolean whole = end >= first.to() || first.isOpenEnded() && end >= TidRange.page(pages);
        TidRange next = whole ? first : new TidRange(first.from(), end);
        todo = minusFirst(next);
        taken++;
        return Optional.of(next);
    }

    private TidRange.Union minusFirst(TidRange next) {
        List<TidRange> others = todo.ranges().subList(1, todo.ranges().size());
        TidRange rest = new TidRange(next.to(), todo.ranges().getFirst().to());
        return new TidRange.Union(others).plus(rest);
    }

    private long size(long maxBytes, long maxRows) {
        if (bytesPerPage == 0) {
            return Math.min(FIRST_PAGES, Math.max(1, maxRows / 100));
        }
        double limit = Math.min(maxBytes / bytesPerPage, maxRows / Math.max(rowsPerPage, 0.01));
        return Math.clamp((long) limit, 1, MOST_PAGES);
    }

    /// A part of a taken range was read and is in the log.
    ///
    /// @param done begins where `range` begins; the rest is to be read
    void written(TidRange range, TidRange done) {
        taken--;
        todo = todo.plus(new TidRange(done.to(), range.to()));
    }

    /// A taken range was not read.
    void giveBack(TidRange range) {
        taken--;
        todo = todo.plus(range);
    }

    /// Learns the density of the rows.
    void learn(TidRange done, long rows, long bytes) {
        long to = done.isOpenEnded() ? Math.max(pages, 1) : TidRange.pageOf(done.to() - 1) + 1;
        long read = Math.max(1, to - TidRange.pageOf(done.from()));
        double byteDensity = (double) Math.max(bytes, 1) / read;
        // Grow slowly and shrink at once: a range that is too large costs memory.
        bytesPerPage = Math.max(byteDensity, (bytesPerPage + byteDensity) / 2);
        rowsPerPage = (double) rows / read;
    }

    boolean hasNext() {
        return !todo.ranges().isEmpty();
    }

    /// Whether a range is taken.
    boolean isBusy() {
        return taken > 0;
    }
}
