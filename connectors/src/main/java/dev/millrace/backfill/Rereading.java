package dev.millrace.backfill;

import dev.millrace.backfill.Window.Outcome;
import dev.millrace.backfill.pace.Pace;
import dev.millrace.change.Row;
import dev.millrace.change.RowKey;
import dev.millrace.change.RowSchema;
import dev.millrace.change.TableId;
import dev.millrace.control.RebackfillStore.Sweep;
import dev.millrace.mapping.Mapping;
import dev.millrace.postgres.Catalog;
import dev.millrace.postgres.Database;
import dev.millrace.postgres.RunningTransactions;
import dev.millrace.sql.Relation;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Predicate;

/// Reads tables again while their stream goes on, without emptying the target: after [#awaitStart],
/// [#sweep] removes rows of the target that the source does not have, and [#readAgain] lets the
/// [Backfill] read the tables from their first page. Both reach the target through the log, in
/// windows. Each call can be repeated after a crash. Not thread-safe; confined to one thread.
///
/// No call goes on while a table has another definition than the log expects: the stream may lack
/// its changes, and its rows are not written.
///
/// @param publication the publication of the capture
/// @param pace pauses and limits the backfill; while it is paused, nothing is read
public record Rereading(
        Database source,
        Database target,
        String publication,
        Windows windows,
        CaptureAccess capture,
        Pace pace) {

    private static final Duration INTERVAL = Duration.ofMillis(100);
    private static final Duration NOT_NOW = Duration.ofMillis(20);

    /// A statement contains the keys as text.
    private static final int KEYS_PER_WINDOW = 500;

    /// What one window reads of large rows; the other keys are read by a later one.
    private static final RowCopy.Limit LIMIT =
            new RowCopy.Limit(16L << 20, Long.MAX_VALUE, () -> false);

    /// Waits for a part of a run.
    @FunctionalInterface
    public interface Waiting {
        /// @return false when the caller must stop
        boolean await(Duration delay) throws InterruptedException;
    }

    /// Waits until the stream or every later snapshot has each change of the tables. The engine's
    /// snapshot does not wait for that, so neither call is possible before it.
    ///
    /// @param waitsFor receives what must happen before; empty when nothing must
    /// @return false when the caller must stop, or when it must call again later, because a table
    ///   has another definition
    public boolean awaitStart(
            List<TableId> tables, Waiting waiting, Consumer<Optional<String>> waitsFor)
            throws SQLException, InterruptedException {
        TableStart start =
                new TableStart(
                        source,
                        publication,
                        windows,
                        capture,
                        delay -> mayRead(tables) && waiting.await(delay),
                        waitsFor);
        if (!mayRead(tables)) {
            return false;
        }
        do {
            try {
                return start.await(tables);
            } catch (Windows.Discarded _) {
                // Another capture run begins; a watermark must come through it.
            }
        } while (mayRead(tables) && waiting.await(INTERVAL));
        return false;
    }

    private boolean mayRead(List<TableId> tables) {
        return tables.stream().allMatch(capture::mayRead);
    }

    /// Lets the backfill read the tables from their first page, also those that are complete.
    ///
    /// @return as for [#awaitStart]
    public boolean readAgain(List<TableId> tables, Waiting waiting)
            throws SQLException, InterruptedException {
        return record(tables, waiting, Progress.Again::new);
    }

    /// Lets the backfill read those partitions of the tables that it has not read as they are now.
    ///
    /// @return as for [#awaitStart]
    public boolean readChangedPartitions(List<TableId> tables, Waiting waiting)
            throws SQLException, InterruptedException {
        return record(tables, waiting, Progress.LeavesChanged::new);
    }

    private boolean record(
            List<TableId> tables, Waiting waiting, Function<TableId, Progress> progress)
            throws SQLException, InterruptedException {
        while (mayRead(tables)) {
            try {
                if (windows.record(capture, tables, windows.run(), progress)) {
                    return true;
                }
            } catch (Windows.Discarded _) {
                // The run ended between the two calls.
            }
            if (!waiting.await(INTERVAL)) {
                return false;
            }
        }
        return false;
    }

    /// Looks up every row of the target that the mapping may have written, and writes a delete for
    /// each that the source does not have. A row that is applied to the target while this runs
    /// needs no look-up, because the log has its later deletion.
    ///
    /// @param planned the mapping's source table
    /// @param progress receives what each page adds
    /// @return as for [#awaitStart]; a later call begins with the first key
    public boolean sweep(
            Mapping mapping, Relation planned, Waiting waiting, Consumer<Sweep> progress)
            throws SQLException, InterruptedException {
        KeySweep keys = new KeySweep(mapping, planned);
        Optional<RowKey> after = Optional.empty();
        do {
            while (pace.isPaused() && capture.mayRead(planned.id())) {
                if (!waiting.await(INTERVAL)) {
                    return false;
                }
            }
            if (!capture.mayRead(planned.id())) {
                return false;
            }
            List<RowKey> page;
            try (Connection connection = target.pooled()) {
                page = keys.page(connection, after);
            }
            KeySweep.Found missing;
            try (Connection connection = source.pooled()) {
                missing = keys.find(connection, page, true);
            }
            List<RowKey> absent = missing.keys();
            for (int from = 0; from < absent.size(); from += KEYS_PER_WINDOW) {
                int to = Math.min(absent.size(), from + KEYS_PER_WINDOW);
                if (!remove(planned, absent.subList(from, to), waiting)) {
                    return false;
                }
            }
            progress.accept(new Sweep(page.size(), absent.size(), missing.unreadable()));
            after = page.isEmpty() ? Optional.empty() : Optional.of(page.getLast());
        } while (after.isPresent());
        return true;
    }

    /// Reads the rows of these keys again: a row that the source has is written to the log as a
    /// read, a key without one as a delete, in order with the changes of the stream.
    ///
    /// @param keys of the mapping's rows in the target, at most some hundred
    /// @return the number of keys that are no values of the source's types, and so remain; empty
    ///   when the caller must stop
    public OptionalLong reread(
            Mapping mapping, Relation planned, List<RowKey> keys, Waiting waiting)
            throws SQLException, InterruptedException {
        KeySweep.Found found;
        try (Connection connection = source.pooled()) {
            found = new KeySweep(mapping, planned).find(connection, keys, false);
        }
        return remove(planned, found.keys(), waiting)
                ? OptionalLong.of(found.unreadable())
                : OptionalLong.empty();
    }

    /// The look-up outside a window only finds candidates: a row may have been inserted since. The
    /// window decides.
    private boolean remove(Relation planned, List<RowKey> keys, Waiting waiting)
            throws SQLException, InterruptedException {
        Set<RowKey> left = new LinkedHashSet<>(keys);
        while (!left.isEmpty()) {
            left.removeAll(removed(planned, List.copyOf(left)));
            // The windows of a table with another definition are never written.
            boolean goesOn = capture.mayRead(planned.id());
            if (!left.isEmpty() && !(goesOn && waiting.await(NOT_NOW))) {
                return false;
            }
        }
        return true;
    }

    /// @return the keys whose rows, or whose deletes if they have none, are in the log
    private Set<RowKey> removed(Relation planned, List<RowKey> keys)
            throws SQLException, InterruptedException {
        Window window = windows.open(planned.id());
        try {
            Predicate<RunningTransactions> delivered = capture.deliveredAsOfNow();
            Optional<KeyReader.Found> found;
            try (Connection connection = source.pooled()) {
                Relation now = Catalog.ofSource(connection).relation(planned.id()).orElse(planned);
                Relation relation = new Relation(planned.id(), now.columns(), planned.key());
                found =
                        new KeyReader(connection)
                                .read(relation, TableWork.schema(relation), keys, LIMIT, delivered);
            }
            if (found.isEmpty()) {
                return Set.of();
            }
            List<Row> rows = found.get().rows();
            window.close(
                    capture.emitWatermark(),
                    rows,
                    new Progress.KeysSwept(
                            RowSchema.keyed(planned.id(), planned.key(), planned.key()),
                            found.get().keys()));
            return window.awaitWritten() == Outcome.WRITTEN ? found.get().keys() : Set.of();
        } finally {
            window.cancel();
        }
    }
}
