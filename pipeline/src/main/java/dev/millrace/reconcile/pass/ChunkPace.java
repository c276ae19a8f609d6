package dev.millrace.reconcile.pass;

import java.time.Duration;

/// Chooses how many rows of one table are read at a time, so that a read takes about as long as
/// wanted: a long one holds a snapshot, a short one costs two watermarks for little. Follows the
/// time that the last reads took. Thread-safe.
final class ChunkPace {

    /// Fewer are not worth a separate read, however slow the server is.
    private static final long FEWEST_ROWS = 1_000;

    private static final int MOST_TOGETHER = 64;

    /// The weight of a read against all earlier ones.
    private static final double WEIGHT = 0.5;

    private final double wantedNanos;
    private long planned;
    private double nanosPerRow;
    private int together = 1;

    /// @param wanted time of one read; zero if the planned chunks are read as they are
    ChunkPace(Duration wanted) {
        this.wantedNanos = (double) wanted.toNanos();
    }

    /// @param rows of a planned chunk, about; 0 if unknown
    synchronized void plan(long rows) {
        planned = rows;
    }

    /// @param took the read of one side
    synchronized void measured(long rows, Duration took) {
        // The fixed cost of a read of few rows says nothing about a row.
        long counted = Math.max(Math.max(1, rows), Math.min(planned, FEWEST_ROWS));
        double last = (double) took.toNanos() / counted;
        nanosPerRow = nanosPerRow == 0 ? last : WEIGHT * last + (1 - WEIGHT) * nanosPerRow;
    }

    /// How many planned chunks to read together: at most twice as many as the last time, because
    /// the rows may be unlike the last ones.
    synchronized int together() {
        if (isKnown() && planned > 0) {
            long wanted = Math.clamp((long) (wantedRows() / planned), 1, MOST_TOGETHER);
            together = (int) Math.min(2L * together, wanted);
        }
        return together;
    }

    /// The rows of each part into which a range has to be divided before it is read.
    ///
    /// @param rows of the range, about
    /// @return `rows` or more if it can be read as it is
    synchronized long part(long rows) {
        boolean isSlow = isKnown() && wantedRows() * 2 < rows && rows > FEWEST_ROWS;
        return isSlow ? Math.max(FEWEST_ROWS, (long) wantedRows()) : rows;
    }

    private boolean isKnown() {
        return wantedNanos > 0 && nanosPerRow > 0;
    }

    private double wantedRows() {
        return wantedNanos / nanosPerRow;
    }
}
