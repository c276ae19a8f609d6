package dev.millrace.capture;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.backfill.BackfillState;
import dev.millrace.backfill.Progress;
import dev.millrace.backfill.TidRange;
import dev.millrace.backfill.Window;
import dev.millrace.backfill.Windows;
import dev.millrace.capture.position.IncompleteKeys;
import dev.millrace.capture.position.PausedTables;
import dev.millrace.capture.position.TablePause;
import dev.millrace.change.ChangeEvent;
import dev.millrace.change.ChangeEvent.Origin;
import dev.millrace.change.Row;
import dev.millrace.change.RowKey;
import dev.millrace.change.RowSchema;
import dev.millrace.change.TableId;
import dev.millrace.change.WatermarkNumber;
import dev.millrace.spec.MigrationSpec.Backfill;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/// One batch and the window that closes in it.
@Timeout(900)
class WindowedRowsTest {

    private static final TableId ITEM = new TableId("public", "item");
    private static final RowSchema SCHEMA =
            RowSchema.keyed(ITEM, List.of("id", "name"), List.of("id"));
    private static final WatermarkNumber HIGH = new WatermarkNumber(1, 9);

    private final Windows windows = new Windows(1 << 20);

    /// Room for four keys.
    private final BackfillState state = new BackfillState(1, 2_000);

    private final IncompleteKeys incomplete = new IncompleteKeys();
    private final PausedTables paused = new PausedTables(new PausesAll());
    private final WindowedRows rows =
            new WindowedRows(
                    new CaptureSettings(
                            "m",
                            1,
                            "",
                            "",
                            () -> "",
                            List.of(),
                            1,
                            Map.of(),
                            Map.of(),
                            Backfill.WINDOWS,
                            Optional.empty()),
                    new CaptureRun.BackfillAccess(windows, state, incomplete, paused));

    private static final class PausesAll implements TablePause {

        @Override
        public boolean reads(TableId source, String column) {
            return true;
        }

        @Override
        public Optional<String> whyNotReadAgain(TableId source) {
            return Optional.empty();
        }

        @Override
        public boolean pause(TableId source, Change change) {
            return true;
        }

        @Override
        public void readAgain(TableId source, Loss loss) {
            throw new AssertionError(loss);
        }

        @Override
        public void restored(Collection<TableId> sources, Collection<TableId> changed) {
            // The log has the definition.
        }
    }

    /// What was read may lack columns, or have values of another type.
    @Test
    void noRowOfAPausedTableIsWritten() throws Exception {
        windows.open(ITEM).close(HIGH, List.of(), new Progress.Started(ITEM));
        Window window = windows.open(ITEM);
        window.close(
                HIGH,
                List.of(Row.of(SCHEMA, "1", "read")),
                new Progress.RangeRead(ITEM, new Progress.LeafVersion(1, 1, ""), TidRange.ALL, 1));
        paused.pause(ITEM, new TablePause.Change("renamed", TablePause.Remedy.RESTORE));

        List<ChangeEvent> log = batch(new ChangeEvent.Watermark(Origin.NONE, HIGH));

        assertThat(log).hasSize(1);
        assertThat(window.awaitWritten()).isEqualTo(Window.Outcome.COLUMNS_CHANGED);
        assertThat(state.isStarted(ITEM)).as("other tables need not wait").isTrue();
    }

    private List<ChangeEvent> batch(ChangeEvent... events) {
        List<ChangeEvent> placed = new ArrayList<>();
        for (ChangeEvent event : events) {
            placed.add(rows.place(event));
        }
        rows.close(placed);
        rows.committed();
        return placed;
    }

    private static ChangeEvent update(String id, String name) {
        return new ChangeEvent.Update(1, Origin.NONE, Row.of(SCHEMA, id, name));
    }

    private static ChangeEvent partial(String id) {
        return new ChangeEvent.Update(
                1, Origin.NONE, new Row.Builder(SCHEMA).text(0, id).unchanged(1).build());
    }

    /// Sequence "An event between the high watermark and the window's rows".
    @Test
    void anEventBetweenTheHighWatermarkAndTheRowsIsNotOverwritten() throws Exception {
        Window window = windows.open(ITEM);
        List<Row> read = List.of(Row.of(SCHEMA, "1", "old"), Row.of(SCHEMA, "2", "old"));
        window.close(
                HIGH,
                read,
                new Progress.RangeRead(ITEM, new Progress.LeafVersion(1, 1, ""), TidRange.ALL, 2));

        List<ChangeEvent> log =
                batch(new ChangeEvent.Watermark(Origin.NONE, HIGH), update("1", "new"));

        assertThat(log)
                .containsExactly(
                        new ChangeEvent.Watermark(Origin.NONE, HIGH),
                        update("1", "new"),
                        new ChangeEvent.Read(1, Origin.NONE, Row.of(SCHEMA, "2", "old")));
        assertThat(window.awaitWritten()).isEqualTo(Window.Outcome.WRITTEN);
    }

    /// What the opposite stream wrote came from the target, which may have a newer row by now.
    @Test
    void aRowThatTheOppositeStreamChangedInsideAWindowIsNotWritten() throws Exception {
        Window window = windows.open(ITEM);
        rows.dropped(Row.of(SCHEMA, "1", "from the target").key());
        window.close(
                HIGH,
                List.of(
                        Row.of(SCHEMA, "1", "old"),
                        Row.of(SCHEMA, "2", "old"),
                        Row.of(SCHEMA, "3", "old")),
                new Progress.RangeRead(ITEM, new Progress.LeafVersion(1, 1, ""), TidRange.ALL, 3));
        batch(update("3", "new"));
        rows.dropped(Row.of(SCHEMA, "3", "from the target").key());

        List<ChangeEvent> log = batch(new ChangeEvent.Watermark(Origin.NONE, HIGH));

        assertThat(log)
                .containsExactly(
                        new ChangeEvent.Watermark(Origin.NONE, HIGH),
                        new ChangeEvent.Read(1, Origin.NONE, Row.of(SCHEMA, "2", "old")));
        assertThat(window.awaitWritten()).isEqualTo(Window.Outcome.WRITTEN);
        assertThat(state.needs()).isZero();
    }

    @Test
    void noRowIsWrittenThatWasReadBeforeATruncateOfTheOppositeStream() throws Exception {
        windows.open(ITEM)
                .close(
                        HIGH,
                        List.of(Row.of(SCHEMA, "1", "old")),
                        new Progress.KeysRead(ITEM, Set.of()));
        rows.droppedTruncate(ITEM);

        assertThat(batch(new ChangeEvent.Watermark(Origin.NONE, HIGH)))
                .containsExactly(new ChangeEvent.Watermark(Origin.NONE, HIGH));
    }

    /// The log contains a partial row of the key, and the dropped change does not complete it.
    @Test
    void aKeyKeepsItsNeedWhenTheOppositeStreamChangedItInsideItsWindow() throws Exception {
        ChangeEvent partial = partial("1");
        batch(partial);
        Row row = Row.of(SCHEMA, "1", "read");
        Window window = windows.open(ITEM);
        rows.dropped(row.key());
        window.close(HIGH, List.of(row), new Progress.KeysRead(ITEM, Set.of(row.key())));

        assertThat(batch(new ChangeEvent.Watermark(Origin.NONE, HIGH)))
                .containsExactly(new ChangeEvent.Watermark(Origin.NONE, HIGH));
        assertThat(state.isNeeded(row.key())).isTrue();

        windows.open(ITEM)
                .close(HIGH, List.of(row), new Progress.KeysRead(ITEM, Set.of(row.key())));
        assertThat(batch()).containsExactly(new ChangeEvent.Read(1, Origin.NONE, row));
        assertThat(state.needs()).isZero();
    }

    private static final Progress SWEPT =
            new Progress.KeysSwept(
                    RowSchema.keyed(ITEM, List.of("id"), List.of("id")),
                    Set.of(
                            RowKey.of(ITEM, "1"),
                            RowKey.of(ITEM, "2"),
                            RowKey.of(ITEM, "3"),
                            RowKey.of(ITEM, "4")));

    private static ChangeEvent delete(String id) {
        return new ChangeEvent.Delete(
                1, Origin.NONE, Row.of(RowSchema.keyed(ITEM, List.of("id"), List.of("id")), id));
    }

    /// Sequence "Sweep against a live insert": the row of 2 was inserted before the read, that of 3
    /// inside the window, after it. The key of 4 is deleted by its own event.
    @Test
    void aSweptKeyIsDeletedOnlyIfItHasNoRowAtItsPlace() throws Exception {
        Window window = windows.open(ITEM);
        batch(update("4", "short-lived"));
        window.close(HIGH, List.of(Row.of(SCHEMA, "2", "live")), SWEPT);

        List<ChangeEvent> log =
                batch(
                        new ChangeEvent.Insert(1, Origin.NONE, Row.of(SCHEMA, "3", "live")),
                        new ChangeEvent.Watermark(Origin.NONE, HIGH));

        assertThat(log.subList(2, log.size()))
                .containsExactlyInAnyOrder(
                        new ChangeEvent.Read(1, Origin.NONE, Row.of(SCHEMA, "2", "live")),
                        delete("1"));
    }

    /// A row that the opposite stream brought is on the target already.
    @Test
    void aSweptKeyThatTheOppositeStreamChangedIsNotDeleted() throws Exception {
        Window window = windows.open(ITEM);
        rows.dropped(RowKey.of(ITEM, "1"));
        window.close(HIGH, List.of(), SWEPT);

        assertThat(batch(new ChangeEvent.Watermark(Origin.NONE, HIGH)))
                .contains(delete("2"), delete("3"), delete("4"))
                .doesNotContain(delete("1"));
    }

    @Test
    void aTruncateInsideAWindowLeavesNothingToSweep() throws Exception {
        Window window = windows.open(ITEM);
        window.close(HIGH, List.of(), SWEPT);

        List<ChangeEvent> log =
                batch(
                        new ChangeEvent.Truncate(1, Origin.NONE, ITEM, 1),
                        new ChangeEvent.Insert(1, Origin.NONE, Row.of(SCHEMA, "1", "after")),
                        new ChangeEvent.Watermark(Origin.NONE, HIGH));

        assertThat(log).hasSize(3);
    }

    /// Also what closes in the same batch was read before.
    @Test
    void aTableThatIsReadAgainForgetsWhatWasRead() throws Exception {
        Progress.LeafVersion leaf = new Progress.LeafVersion(1, 1, "");
        windows.open(ITEM).close(HIGH, List.of(), new Progress.Complete(ITEM, 0));
        batch(new ChangeEvent.Watermark(Origin.NONE, HIGH));
        Window read = windows.open(ITEM);
        Window late = windows.open(ITEM);
        windows.open(ITEM).close(HIGH, List.of(), new Progress.Again(ITEM));
        read.close(HIGH, List.of(), new Progress.RangeRead(ITEM, leaf, TidRange.ALL, 5));

        batch(new ChangeEvent.Watermark(Origin.NONE, HIGH));
        late.close(HIGH, List.of(), new Progress.RangeRead(ITEM, leaf, TidRange.ALL, 5));

        assertThat(late.awaitWritten()).isEqualTo(Window.Outcome.TOO_MANY_CHANGES);
        assertThat(state.isStarted(ITEM)).isTrue();
        assertThat(state.isComplete(ITEM)).isFalse();
        assertThat(state.read(leaf)).isEmpty();
        assertThat(((ChangeEvent.OfRow) batch(partial("1")).getFirst()).awaitsRead())
                .as("the target may lack the row until it is read")
                .isTrue();
    }

    /// The leaves that were read as they are now are not read again.
    @Test
    void aTableWhoseLeavesChangeIsNotCompleteAndKeepsWhatWasRead() throws Exception {
        Progress.LeafVersion leaf = new Progress.LeafVersion(1, 1, "");
        windows.open(ITEM)
                .close(HIGH, List.of(), new Progress.RangeRead(ITEM, leaf, TidRange.ALL, 5));
        windows.open(ITEM).close(HIGH, List.of(), new Progress.Complete(ITEM, 0));
        batch(new ChangeEvent.Watermark(Origin.NONE, HIGH));
        assertThat(state.isComplete(ITEM)).isTrue();
        long beginnings = state.beginnings();

        windows.open(ITEM).close(HIGH, List.of(), new Progress.LeavesChanged(ITEM));
        windows.open(ITEM).close(HIGH, List.of(), new Progress.Complete(ITEM, beginnings));
        batch(new ChangeEvent.Watermark(Origin.NONE, HIGH));

        assertThat(state.isComplete(ITEM)).as("the readers plan again").isFalse();
        assertThat(state.beginnings()).isGreaterThan(beginnings);
        assertThat(state.read(leaf).orElseThrow().rows()).isEqualTo(5);
    }

    private static ChangeEvent[] tooManyPartialUpdates() {
        return IntStream.range(0, 5)
                .mapToObj(id -> partial(Integer.toString(id)))
                .toArray(ChangeEvent[]::new);
    }

    /// A row of a forgotten key may have moved into the range.
    @Test
    void noWindowOfATableThatBeginsAgainIsWritten() throws Exception {
        windows.open(ITEM).close(HIGH, List.of(), new Progress.Started(ITEM));
        batch(new ChangeEvent.Watermark(Origin.NONE, HIGH));
        Window window = windows.open(ITEM);
        window.close(
                HIGH,
                List.of(),
                new Progress.RangeRead(ITEM, new Progress.LeafVersion(1, 1, ""), TidRange.ALL, 0));

        batch(tooManyPartialUpdates());

        assertThat(window.awaitWritten()).isEqualTo(Window.Outcome.TOO_MANY_CHANGES);
        assertThat(state.read(new Progress.LeafVersion(1, 1, ""))).isEmpty();
        assertThat(state.needs()).isZero();
    }

    /// A reader may end its table while the batch is written in which the table begins again.
    @Test
    void aTableThatBeginsAgainIsNotCompletedByItsEarlierReading() throws Exception {
        windows.open(ITEM).close(HIGH, List.of(), new Progress.Started(ITEM));
        batch(new ChangeEvent.Watermark(Origin.NONE, HIGH));
        List<ChangeEvent> events = new ArrayList<>();
        for (ChangeEvent event : tooManyPartialUpdates()) {
            events.add(rows.place(event));
        }
        rows.close(events);
        windows.open(ITEM).close(HIGH, List.of(), new Progress.Complete(ITEM, state.beginnings()));
        rows.committed();

        assertThat(batch(update("9", "x"))).containsExactly(update("9", "x"));
        assertThat(state.isComplete(ITEM)).isFalse();
    }

    /// The table could never start otherwise, because keys await their read until then.
    @Test
    void keysThatExceedTheirMemoryDoNotPreventTheStartOfTheirTable() throws Exception {
        Window window = windows.open(ITEM);
        window.close(HIGH, List.of(), new Progress.Started(ITEM));

        batch(tooManyPartialUpdates());
        batch(new ChangeEvent.Watermark(Origin.NONE, HIGH));

        assertThat(window.awaitWritten()).isEqualTo(Window.Outcome.WRITTEN);
        assertThat(state.isStarted(ITEM)).isTrue();
        assertThat(state.needs()).isZero();
    }

    /// Sequence "A late partial Update judged by the clock": its place in the log decides.
    @Test
    void aPartialUpdateAwaitsItsReadOnlyBeforeTheMarker() throws Exception {
        windows.open(ITEM).close(HIGH, List.of(), new Progress.Complete(ITEM, 0));

        List<ChangeEvent> log =
                batch(partial("1"), new ChangeEvent.Watermark(Origin.NONE, HIGH), partial("2"));
        List<ChangeEvent> later = batch(partial("3"), partial("1"));

        assertThat(log)
                .filteredOn(ChangeEvent.Update.class::isInstance)
                .allMatch(event -> ((ChangeEvent.OfRow) event).awaitsRead());
        assertThat(log.getLast()).isEqualTo(new ChangeEvent.BackfillComplete(1, ITEM));
        assertThat(((ChangeEvent.OfRow) later.get(0)).awaitsRead()).isFalse();
        assertThat(((ChangeEvent.OfRow) later.get(1)).awaitsRead())
                .as("an earlier change of the key awaits its read")
                .isTrue();
        assertThat(incomplete.isIncompleteAt(HIGH.number())).isTrue();
    }
}
