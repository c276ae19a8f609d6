package dev.millrace.capture;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.backfill.BackfillState;
import dev.millrace.backfill.Progress;
import dev.millrace.backfill.TidRange;
import dev.millrace.backfill.Window;
import dev.millrace.backfill.Windows;
import dev.millrace.capture.position.IncompleteKeys;
import dev.millrace.change.ChangeEvent;
import dev.millrace.change.ChangeEvent.Origin;
import dev.millrace.change.Row;
import dev.millrace.change.RowSchema;
import dev.millrace.change.TableId;
import dev.millrace.change.WatermarkNumber;
import dev.millrace.spec.MigrationSpec.Backfill;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/// One batch and the window that closes in it.
class WindowedRowsTest {

    private static final TableId ITEM = new TableId("public", "item");
    private static final RowSchema SCHEMA =
            RowSchema.keyed(ITEM, List.of("id", "name"), List.of("id"));
    private static final WatermarkNumber HIGH = new WatermarkNumber(1, 9);

    private final Windows windows = new Windows(1 << 20);
    private final BackfillState state = new BackfillState(1);
    private final IncompleteKeys incomplete = new IncompleteKeys();
    private final WindowedRows rows =
            new WindowedRows(
                    new CaptureSettings(
                            "m", 1, "", "", "", List.of(), 1, Map.of(), Map.of(), Backfill.WINDOWS),
                    new CaptureRun.BackfillAccess(windows, state, incomplete));

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

    /// Sequence "A late partial Update judged by the clock": its place in the log decides.
    @Test
    void aPartialUpdateAwaitsItsReadOnlyBeforeTheMarker() throws Exception {
        windows.open(ITEM).close(HIGH, List.of(), new Progress.Complete(ITEM));

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
