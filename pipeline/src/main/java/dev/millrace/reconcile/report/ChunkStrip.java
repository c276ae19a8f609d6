package dev.millrace.reconcile.report;

import dev.millrace.change.Lsn;
import dev.millrace.reconcile.ReconciliationReport.ChunkReport;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/// The chunks of a table as a strip of rectangles, as wide as their rows. Where the bounds of two
/// neighbours do not meet, a range between them is not equal or was not compared. Immutable.
public record ChunkStrip(List<Part> parts, String label) {

    /// In units of the drawing.
    static final int WIDTH = 1_000;

    private static final int HEIGHT = 40;
    private static final int LOW = 12;

    /// More rectangles would be narrower than a pixel.
    private static final int MOST_PARTS = 250;

    /// The bytes of WAL from which on the next darker level begins.
    private static final long[] LEVELS = {1L << 20, 1L << 24, 1L << 28};

    /// One rectangle.
    ///
    /// @param kind `open`, or `equal-0` to `equal-3` by the WAL that was written meanwhile
    public record Part(
            String kind, double x, double y, double width, double height, String title) {}

    /// Neighbours of one kind.
    ///
    /// @param wal bytes written while it was compared; the most of all its chunks
    private record Range(boolean equal, int chunks, long rows, long wal) {

        Range with(Range next) {
            return new Range(
                    equal, chunks + next.chunks, rows + next.rows, Math.max(wal, next.wal));
        }

        String kind() {
            int level = 0;
            while (level < LEVELS.length && Long.compareUnsigned(wal, LEVELS[level]) >= 0) {
                level++;
            }
            return equal ? "equal-" + level : "open";
        }

        String title() {
            return equal
                    ? String.format(
                            Locale.ROOT,
                            chunks == 1
                                    ? "equal: %2$,d rows; %3$,d bytes of WAL were written meanwhile"
                                    : "%1$,d equal ranges: %2$,d rows; at most %3$,d bytes of WAL were"
                                            + " written meanwhile",
                            chunks,
                            rows,
                            wal)
                    : "not equal or not compared";
        }
    }

    public static ChunkStrip of(List<ChunkReport> chunks) {
        List<Range> ranges = merged(ranges(chunks));
        long total = ranges.stream().mapToLong(range -> Math.max(1, range.rows())).sum();
        List<Part> parts = new ArrayList<>();
        double x = 0;
        for (Range range : ranges) {
            double width = (double) WIDTH * Math.max(1, range.rows()) / total;
            int height = range.equal() ? HEIGHT : LOW;
            parts.add(
                    new Part(
                            range.kind(),
                            rounded(x),
                            HEIGHT - height,
                            rounded(width),
                            height,
                            range.title()));
            x += width;
        }
        return new ChunkStrip(
                List.copyOf(parts),
                String.format(
                        Locale.ROOT,
                        "%,d equal ranges, %,d gaps",
                        chunks.size(),
                        ranges.stream().filter(range -> !range.equal()).count()));
    }

    /// A gap is drawn as wide as a usual chunk.
    private static List<Range> ranges(List<ChunkReport> chunks) {
        List<Range> ranges = new ArrayList<>();
        if (chunks.isEmpty()) {
            return ranges;
        }
        long usual = chunks.stream().mapToLong(ChunkReport::rows).sum() / chunks.size();
        Range gap = new Range(false, 0, usual, 0);
        @Nullable List<String> end = null;
        for (ChunkReport chunk : chunks) {
            if (!Objects.equals(chunk.from(), end)) {
                ranges.add(gap);
            }
            long wal = Lsn.parse(chunk.before()).value() - Lsn.parse(chunk.after()).value();
            ranges.add(new Range(true, 1, chunk.rows(), wal));
            end = chunk.to();
        }
        if (end != null) {
            ranges.add(gap);
        }
        return ranges;
    }

    /// Joins neighbours that are equal until there are few enough. A gap stays visible.
    private static List<Range> merged(List<Range> ranges) {
        int together = (ranges.size() + MOST_PARTS - 1) / MOST_PARTS;
        if (together <= 1) {
            return ranges;
        }
        List<Range> merged = new ArrayList<>();
        for (Range range : ranges) {
            boolean joins =
                    range.equal()
                            && !merged.isEmpty()
                            && merged.getLast().equal()
                            && merged.getLast().chunks() < together;
            if (joins) {
                merged.set(merged.size() - 1, merged.getLast().with(range));
            } else {
                merged.add(range);
            }
        }
        return merged;
    }

    private static double rounded(double length) {
        return Math.round(length * 100) / 100.0;
    }
}
