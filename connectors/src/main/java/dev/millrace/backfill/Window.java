package dev.millrace.backfill;

import dev.millrace.change.Row;
import dev.millrace.change.TableId;
import dev.millrace.change.WatermarkNumber;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Rows of one table that are read beside the stream, and what the stream changed meanwhile. A
/// window begins with [Windows#open]; from then on every event of the table counts as inside it, up
/// to the place in the log where its rows are written. One thread reads and closes a window; the
/// capture thread completes and writes it. All state is guarded by [Windows], so the type is
/// thread-safe.
public final class Window {

    /// How a window ended. Only [#WRITTEN] means that its rows and its progress are in the log;
    /// otherwise the rows must be read again in another window.
    public enum Outcome {
        WRITTEN,
        /// The changes inside the window exceeded the memory for all windows.
        TOO_MANY_CHANGES,
        /// The columns of the table changed inside the window.
        COLUMNS_CHANGED,
        /// The reader gave up.
        CANCELLED,
        /// The capture run ended before it wrote the window.
        DISCARDED
    }

    private final Windows windows;
    private final TableId table;
    final WindowChanges changes = new WindowChanges();

    /// What the window holds of the memory for all windows.
    long bytes;

    @Nullable WatermarkNumber high;
    List<Row> rows = List.of();
    @Nullable Progress progress;
    @Nullable Outcome outcome;

    Window(Windows windows, TableId table) {
        this.windows = windows;
        this.table = table;
    }

    public TableId table() {
        return table;
    }

    /// Hands over what was read. Waits while the rows of other windows fill the memory for all
    /// windows. Does nothing if the window has ended already; [#awaitWritten] reports why. The
    /// first batch that ends after this call with the watermark behind it writes the window. So if
    /// that watermark was in an earlier batch, the window waits for the next watermark.
    ///
    /// @param high number of a watermark that was emitted after the read: every transaction that
    ///   was visible to the read precedes it in the stream
    /// @param rows all of the window's table
    public void close(WatermarkNumber high, List<Row> rows, Progress progress)
            throws InterruptedException {
        windows.close(this, high, rows, progress);
    }

    /// Gives the window up. Does nothing if it has ended.
    public void cancel() {
        windows.end(this, Outcome.CANCELLED);
    }

    /// Waits for the end of the window.
    public Outcome awaitWritten() throws InterruptedException {
        return windows.awaitEnd(this);
    }
}
