package dev.millrace.capture;

import dev.millrace.backfill.BackfillState;
import dev.millrace.backfill.BackfillState.Fact;
import dev.millrace.backfill.Progress;
import dev.millrace.backfill.ProgressBatch;
import dev.millrace.backfill.Windows;
import dev.millrace.backfill.Windows.Closed;
import dev.millrace.capture.position.IncompleteKeys;
import dev.millrace.capture.position.PausedTables;
import dev.millrace.capture.position.RowLimit;
import dev.millrace.change.ChangeEvent;
import dev.millrace.change.ChangeEvent.Origin;
import dev.millrace.change.Row;
import dev.millrace.change.RowKey;
import dev.millrace.change.TableId;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Gives the rows that are read beside the stream their place in the log: after all events of the
/// batch in which their window closes, in the same Kafka transaction as the progress. Decides which
/// events a later read must complete. Not thread-safe; confined to the capture thread.
///
/// Per batch: [#place] for each event, [#close], the Kafka transaction, [#committed].
final class WindowedRows {

    private static final Logger LOG = LoggerFactory.getLogger(WindowedRows.class);

    private final int generation;
    private final Map<TableId, CapturedTable> tables = new HashMap<>();
    private final Windows windows;
    private final BackfillState state;
    private final IncompleteKeys incomplete;
    private final PausedTables paused;
    private final Set<RowKey> awaiting = new HashSet<>();
    private final List<Long> watermarks = new ArrayList<>();
    private ProgressBatch batch;
    private List<Closed> closed = List.of();
    private List<Fact> facts = List.of();

    WindowedRows(CaptureSettings settings, CaptureRun.BackfillAccess backfill) {
        this.generation = settings.generation();
        settings.tables().forEach(table -> tables.put(table.relation().id(), table));
        this.windows = backfill.windows();
        this.state = backfill.state();
        this.incomplete = backfill.incomplete();
        this.paused = backfill.paused();
        this.batch = new ProgressBatch(state);
    }

    /// Notes an event of the stream, whose transaction was noted as delivered.
    ///
    /// @return the event as it is written
    ChangeEvent place(ChangeEvent event) {
        return switch (event) {
            case ChangeEvent.OfRow change -> place(marked(RowLimit.fitting(change)));
            case ChangeEvent.Truncate truncate -> {
                windows.truncated(truncate.table());
                batch.truncated(truncate.table());
                yield truncate;
            }
            case ChangeEvent.Watermark _, ChangeEvent.BackfillComplete _ -> event;
        };
    }

    private ChangeEvent place(ChangeEvent.OfRow change) {
        windows.changed(change);
        batch.changed(change);
        if (change.awaitsRead()) {
            awaiting.add(change.row().key());
        }
        return change;
    }

    /// Notes a change that is not written to the log, because the opposite stream wrote it.
    void dropped(RowKey key) {
        windows.dropped(key);
    }

    /// Notes a TRUNCATE that is not written to the log. A key that still needs its row keeps the
    /// need until a window finds that it is gone.
    void droppedTruncate(TableId table) {
        windows.truncated(table);
    }

    private ChangeEvent.OfRow marked(ChangeEvent.OfRow change) {
        return switch (change) {
            case ChangeEvent.Insert insert when insert.row().isPartial() ->
                    new ChangeEvent.Insert(generation, insert.origin(), insert.row(), true);
            case ChangeEvent.Update update when awaitsRead(update.row()) ->
                    new ChangeEvent.Update(generation, update.origin(), update.row(), true);
            case ChangeEvent.Read _,
                    ChangeEvent.Insert _,
                    ChangeEvent.Update _,
                    ChangeEvent.Delete _,
                    ChangeEvent.Oversized _ ->
                    change;
        };
    }

    /// Whether the target may not have the unchanged cells of an updated row: its row may have
    /// moved to a page that was read before, or an earlier change of the key awaits its read. Or a
    /// mapping needs their values.
    private boolean awaitsRead(Row row) {
        return row.isPartial()
                && (!batch.isComplete(row.table()) || batch.isNeeded(row.key()) || lacksCells(row));
    }

    private boolean lacksCells(Row row) {
        CapturedTable table = tables.get(row.table());
        return table != null && table.lacksCells().test(row);
    }

    /// The engine has read every existing row: the ends of the backfills, which precede the first
    /// event of the stream.
    List<ChangeEvent> allRead() {
        return tables.keySet().stream()
                .sorted()
                .map(
                        table -> {
                            batch.complete(table);
                            return (ChangeEvent)
                                    new ChangeEvent.BackfillComplete(generation, table);
                        })
                .toList();
    }

    /// Appends the rows of the windows that close at the end of this batch.
    ///
    /// @param events all events of the batch, to which the rows are added
    void close(List<ChangeEvent> events) {
        paused.changes().keySet().forEach(windows::abandonRows);
        for (ChangeEvent event : events) {
            if (event instanceof ChangeEvent.Watermark watermark) {
                windows.watermark(watermark.watermark());
                watermarks.add(watermark.watermark().number());
            }
        }
        batch.beginAgain().forEach(this::beginAgain);
        closed = windows.closing();
        closed.forEach(batch::written);
        closed.stream()
                .map(Closed::progress)
                .filter(Progress.Again.class::isInstance)
                .forEach(again -> windows.abandon(again.table()));
        closed.stream()
                .flatMap(window -> window.rows().stream())
                .map(row -> RowLimit.fitting(new ChangeEvent.Read(generation, Origin.NONE, row)))
                .forEach(events::add);
        closed.stream()
                .flatMap(window -> window.absent().stream())
                .map(key -> new ChangeEvent.Delete(generation, Origin.NONE, key))
                .forEach(events::add);
        closed.stream()
                .flatMap(window -> completed(window.progress()))
                .filter(batch::isComplete)
                .map(table -> new ChangeEvent.BackfillComplete(generation, table))
                .forEach(events::add);
        facts = batch.facts();
    }

    private void beginAgain(TableId table) {
        windows.abandon(table);
        LOG.atWarn()
                .addKeyValue("table", table)
                .log(
                        "The backfill of the table begins again, because more changed rows await their"
                                + " read than fit into memory. If this repeats, increase the heap (-Xmx),"
                                + " or resume the backfill if it is paused or limited.");
    }

    private static Stream<TableId> completed(Progress progress) {
        return progress instanceof Progress.Complete(TableId table, long _)
                ? Stream.of(table)
                : Stream.empty();
    }

    /// What this batch adds to the progress.
    List<Fact> facts() {
        return facts;
    }

    /// The Kafka transaction of this batch is committed.
    void committed() {
        state.fold(facts);
        incomplete.committed(watermarks, awaiting, facts);
        watermarks.clear();
        awaiting.clear();
        windows.written(closed);
        batch = new ProgressBatch(state);
    }
}
