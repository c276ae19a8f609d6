package dev.millrace.backfill;

import dev.millrace.backfill.Window.Outcome;
import dev.millrace.change.ChangeEvent;
import dev.millrace.change.Row;
import dev.millrace.change.RowKey;
import dev.millrace.change.RowSchema;
import dev.millrace.change.TableId;
import dev.millrace.change.WatermarkNumber;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/// The meeting point of the threads that read rows and the capture thread that writes them. Rows
/// reach the log without the WAL, so each window notes what the stream changes until its rows are
/// written, and completes them there: a row in the log never hides a newer change. Thread-safe.
///
/// The order of calls is what makes a window right (`docs/decisions/0020`):
/// - Reader: [#open], *then* copy the delivered transactions, *then* take the snapshot of the read.
/// - Capture thread, per event: remember its transaction as delivered, *then* [#changed].
/// - Reader: emit the high watermark after the read, [Window#close].
/// - Capture thread, per batch: all events, then [#closing]; write the events, then the rows and
///   their progress, in one Kafka transaction; [#written] after its commit. When the run ends in
///   any other way, [#discard].
///
/// All pending windows share one limit in bytes. Rows wait for room in [Window#close], so reading
/// stops while the stream lags. The stream never waits: if the changes inside windows exceed the
/// limit, the window that holds most of them is abandoned.
public final class Windows {

    /// The capture run ended. What was read in it must be read again.
    public static final class Discarded extends Exception {
        private static final long serialVersionUID = 1L;

        Discarded() {
            super("The capture run ended.");
        }
    }

    /// A window at its place in the log.
    ///
    /// @param rows to write, in any order; no event of the batch changes one of them without being
    ///   contained in it
    /// @param needed keys that still need a key window: the log contains a partial row of them, and
    ///   `rows` does not contain them
    /// @param absent rows of the key columns: keys of [Progress.KeysSwept] that have no row at this
    ///   place in the log
    /// @param window for [#written]
    public record Closed(
            TableId table,
            List<Row> rows,
            Set<RowKey> needed,
            List<Row> absent,
            Progress progress,
            Window window) {}

    private final long maxBytes;
    private final Map<TableId, Set<Window>> open = new HashMap<>();
    private final Set<Window> writing = new HashSet<>();
    private @Nullable WatermarkNumber passed;
    private long runs;
    private long rowBytes;
    private long changeBytes;

    /// @param maxBytes limit of rows and changes of all pending windows. Rows fill at most half of
    ///   it, so that there is always room for changes; a single larger row is accepted alone
    public Windows(long maxBytes) {
        this.maxBytes = maxBytes;
    }

    /// Opens a window: every event of the table that is passed to [#changed] from now on is inside.
    public synchronized Window open(TableId table) {
        Window window = new Window(this, table);
        open.computeIfAbsent(table, _ -> new HashSet<>()).add(window);
        return window;
    }

    /// The number of capture runs that have ended.
    public synchronized long run() {
        return runs;
    }

    /// Opens a window only if the capture run is still the one of this number.
    ///
    /// @throws Discarded when it ended
    public synchronized Window open(TableId table, long run) throws Discarded {
        if (run != runs) {
            throw new Discarded();
        }
        return open(table);
    }

    /// Writes progress of tables without rows, in a window each.
    ///
    /// @param run the capture run in which what the progress says was found out
    /// @return false if the run ended before all of it was written
    /// @throws Discarded when the run had ended already
    boolean record(
            CaptureAccess capture,
            List<TableId> tables,
            long run,
            Function<TableId, Progress> progress)
            throws SQLException, InterruptedException, Discarded {
        if (tables.isEmpty()) {
            return true;
        }
        List<Window> opened = new ArrayList<>();
        try {
            for (TableId table : tables) {
                opened.add(open(table, run));
            }
            WatermarkNumber high = capture.emitWatermark();
            for (Window window : opened) {
                window.close(high, List.of(), progress.apply(window.table()));
            }
            boolean written = true;
            for (Window window : opened) {
                written &= window.awaitWritten() == Outcome.WRITTEN;
            }
            return written;
        } finally {
            opened.forEach(Window::cancel);
        }
    }

    /// Waits until the capture thread has seen a watermark of at least this number.
    ///
    /// @throws Discarded when the capture run ended first
    public synchronized void awaitPassed(WatermarkNumber number)
            throws InterruptedException, Discarded {
        long run = runs;
        while (!hasPassed(number)) {
            wait();
            if (run != runs) {
                throw new Discarded();
            }
        }
    }

    private boolean hasPassed(WatermarkNumber number) {
        return passed != null && passed.compareTo(number) >= 0;
    }

    /// Notes an event of the stream that is about to be written to the log. Confined to the capture
    /// thread; its transaction must be remembered as delivered before.
    public synchronized void changed(ChangeEvent.OfRow event) {
        RowKey key = event.row().key();
        changed(key, changes -> changes.add(key, event));
    }

    /// Notes a change of the stream that is not written to the log, because the target has it
    /// already: no window writes what it read of that key. Confined to the capture thread; the
    /// transaction must be remembered as delivered before.
    public synchronized void dropped(RowKey key) {
        changed(key, changes -> changes.addDropped(key));
    }

    private void changed(RowKey key, Consumer<WindowChanges> change) {
        Set<Window> affected = open.get(key.table());
        if (affected == null) {
            return;
        }
        for (Window window : List.copyOf(affected)) {
            account(window, () -> change.accept(window.changes));
            if (window.changes.columnsChanged()) {
                end(window, Outcome.COLUMNS_CHANGED);
            }
        }
        while (changeBytes > Math.max(maxBytes - rowBytes, maxBytes / 2)) {
            end(largest(), Outcome.TOO_MANY_CHANGES);
        }
    }

    /// Notes a TRUNCATE of the table. Confined to the capture thread.
    public synchronized void truncated(TableId table) {
        for (Window window : open.getOrDefault(table, Set.of())) {
            account(window, window.changes::truncate);
        }
    }

    private void account(Window window, Runnable change) {
        changeBytes -= window.changes.bytes();
        change.run();
        changeBytes += window.changes.bytes();
    }

    private Window largest() {
        return open.values().stream()
                .flatMap(Set::stream)
                .max((a, b) -> Long.compare(a.changes.bytes(), b.changes.bytes()))
                .orElseThrow();
    }

    /// Notes a watermark of the generation. Confined to the capture thread.
    public synchronized void watermark(WatermarkNumber number) {
        if (!hasPassed(number)) {
            passed = number;
            notifyAll();
        }
    }

    /// The windows whose place in the log is the end of the batch that was just noted. Those with
    /// which a table begins again are the last. Confined to the capture thread.
    public synchronized List<Closed> closing() {
        List<Closed> closing = new ArrayList<>();
        List<Window> ready =
                open.values().stream().flatMap(Set::stream).filter(this::isReady).toList();
        for (Window window : ready) {
            WindowChanges.Completed completed = window.changes.complete(window.rows);
            List<Row> absent = absent(window);
            if (window.changes.columnsChanged()) {
                end(window, Outcome.COLUMNS_CHANGED);
            } else {
                forget(window);
                writing.add(window);
                closing.add(
                        new Closed(
                                window.table(),
                                completed.rows(),
                                completed.needed(),
                                absent,
                                Objects.requireNonNull(window.progress),
                                window));
            }
        }
        closing.sort(Comparator.comparing(each -> each.progress() instanceof Progress.Again));
        return closing;
    }

    /// A key of which the window noted an event has its row or its deletion in the log already.
    private static List<Row> absent(Window window) {
        if (!(window.progress instanceof Progress.KeysSwept(RowSchema schema, var asked))) {
            return List.of();
        }
        Set<RowKey> absent = window.changes.unchanged(asked);
        window.rows.forEach(row -> absent.remove(row.key()));
        return absent.stream()
                .map(key -> Row.of(schema, key.values().toArray(String[]::new)))
                .toList();
    }

    /// Ends the open windows of a table whose reading begins again. Confined to the capture thread.
    public synchronized void abandon(TableId table) {
        for (Window window : List.copyOf(open.getOrDefault(table, Set.of()))) {
            end(window, Outcome.TOO_MANY_CHANGES);
        }
    }

    /// Ends the open windows that read rows of a table whose definition has changed: what they read
    /// may lack columns. Confined to the capture thread.
    public synchronized void abandonRows(TableId table) {
        for (Window window : List.copyOf(open.getOrDefault(table, Set.of()))) {
            if (!(window.progress instanceof Progress.Started)) {
                end(window, Outcome.COLUMNS_CHANGED);
            }
        }
    }

    private boolean isReady(Window window) {
        return window.high != null && hasPassed(window.high);
    }

    /// The Kafka transaction with these windows was committed. Confined to the capture thread.
    public synchronized void written(List<Closed> closed) {
        for (Closed each : closed) {
            if (writing.remove(each.window())) {
                settle(each.window(), Outcome.WRITTEN);
            }
        }
    }

    /// The capture run ended: no pending window will be written. Windows that are opened afterwards
    /// belong to the next run.
    public synchronized void discard() {
        List<Window> pending = new ArrayList<>(writing);
        open.values().forEach(pending::addAll);
        pending.forEach(window -> end(window, Outcome.DISCARDED));
        passed = null;
        runs++;
        notifyAll();
    }

    synchronized void close(Window window, WatermarkNumber high, List<Row> rows, Progress progress)
            throws InterruptedException {
        long size = rows.stream().mapToLong(WindowChanges::size).sum();
        while (window.outcome == null && rowBytes > 0 && rowBytes + size > maxBytes / 2) {
            wait();
        }
        if (window.outcome == null) {
            rowBytes += size;
            window.bytes = size;
            window.rows = rows;
            window.progress = progress;
            window.high = high;
        }
    }

    synchronized Outcome awaitEnd(Window window) throws InterruptedException {
        while (window.outcome == null) {
            wait();
        }
        return window.outcome;
    }

    synchronized void end(Window window, Outcome outcome) {
        // Only the end of the run decides about a window that is being written.
        boolean ended = outcome == Outcome.DISCARDED && writing.remove(window) || forget(window);
        if (ended) {
            settle(window, outcome);
        }
    }

    private boolean forget(Window window) {
        Set<Window> others = open.get(window.table());
        if (others == null || !others.remove(window)) {
            return false;
        }
        if (others.isEmpty()) {
            open.remove(window.table());
        }
        account(window, window.changes::release);
        return true;
    }

    private void settle(Window window, Outcome outcome) {
        rowBytes -= window.bytes;
        window.bytes = 0;
        window.rows = List.of();
        window.outcome = outcome;
        notifyAll();
    }
}
