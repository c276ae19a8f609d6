package dev.millrace.reconcile;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;

/// Counts what a running comparison has compared, for people who wait for it. The verdict does not
/// depend on it. Thread-safe.
public final class ComparisonProgress {

    private final AtomicInteger tables = new AtomicInteger();
    private final AtomicInteger tablesDone = new AtomicInteger();
    private final LongAdder rows = new LongAdder();
    private final AtomicLong rowsExpected = new AtomicLong();

    /// @param tables that are compared; 0 before they are known
    /// @param tablesDone those whose verdict is found
    /// @param rows that are compared, of the side that has more
    /// @param rowsExpected of all tables by the statistics of the target; 0 if there are none
    public record Reading(int tables, int tablesDone, long rows, long rowsExpected) {}

    public void planned(int more, long expected) {
        tables.addAndGet(more);
        rowsExpected.addAndGet(expected);
    }

    void tableDone() {
        tablesDone.incrementAndGet();
    }

    void rows(long compared) {
        rows.add(compared);
    }

    /// The counts are read one after the other, while they grow.
    public Reading reading() {
        return new Reading(tables.get(), tablesDone.get(), rows.sum(), rowsExpected.get());
    }
}
