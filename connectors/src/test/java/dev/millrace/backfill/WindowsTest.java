package dev.millrace.backfill;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.millrace.backfill.Window.Outcome;
import dev.millrace.change.ChangeEvent;
import dev.millrace.change.ChangeEvent.Origin;
import dev.millrace.change.Row;
import dev.millrace.change.RowKey;
import dev.millrace.change.RowSchema;
import dev.millrace.change.TableId;
import dev.millrace.change.WatermarkNumber;
import dev.millrace.testing.Waits;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import org.awaitility.Awaitility;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class WindowsTest {

    private static final TableId TABLE = new TableId("public", "item");
    private static final RowSchema SCHEMA =
            RowSchema.keyed(TABLE, List.of("id", "a", "big"), List.of("id"));
    private static final Progress PROGRESS = new Progress.Started(TABLE);
    private static final WatermarkNumber HIGH = new WatermarkNumber(1, 70);

    private final Windows windows = new Windows(1 << 20);

    /// Where an event stands between the registration of the window and its place in the log. The
    /// read shows the change in the first case only.
    private enum Gap {
        BEFORE_THE_READ,
        BETWEEN_READ_AND_HIGH_WATERMARK,
        BETWEEN_HIGH_WATERMARK_AND_PLACE
    }

    private List<Windows.Closed> pass(Gap gap, List<Row> read, ChangeEvent.OfRow... events)
            throws InterruptedException {
        Window window = windows.open(TABLE);
        pass(gap == Gap.BEFORE_THE_READ, events);
        pass(gap == Gap.BETWEEN_READ_AND_HIGH_WATERMARK, events);
        window.close(HIGH, read, PROGRESS);
        assertThat(windows.closing()).isEmpty();
        windows.watermark(HIGH);
        pass(gap == Gap.BETWEEN_HIGH_WATERMARK_AND_PLACE, events);
        return windows.closing();
    }

    private void pass(boolean now, ChangeEvent.OfRow... events) {
        if (now) {
            for (ChangeEvent.OfRow event : events) {
                windows.changed(event);
            }
        }
    }

    private static Row row(String... cells) {
        return Row.of(SCHEMA, cells);
    }

    private static Row partial(String id, String a) {
        return new Row.Builder(SCHEMA).text(0, id).text(1, a).unchanged(2).build();
    }

    private static ChangeEvent.Insert insert(Row row) {
        return new ChangeEvent.Insert(1, Origin.NONE, row);
    }

    private static ChangeEvent.Update update(Row row) {
        return new ChangeEvent.Update(1, Origin.NONE, row);
    }

    private static ChangeEvent.Delete delete(@Nullable String id) {
        return new ChangeEvent.Delete(1, Origin.NONE, Row.of(SCHEMA, id, null, null));
    }

    private static RowKey key(String id) {
        return RowKey.of(TABLE, id);
    }

    @ParameterizedTest
    @EnumSource
    void anInsertInsideTheWindowWinsOverTheRead(Gap gap) throws Exception {
        List<Row> read =
                gap == Gap.BEFORE_THE_READ
                        ? List.of(row("1", "x", "B"), row("2", "new", "N"))
                        : List.of(row("1", "x", "B"));

        List<Windows.Closed> closed = pass(gap, read, insert(row("2", "new", "N")));

        assertThat(closed)
                .singleElement()
                .satisfies(
                        c -> {
                            assertThat(c.rows()).containsExactly(row("1", "x", "B"));
                            assertThat(c.needed()).isEmpty();
                            assertThat(c.progress()).isEqualTo(PROGRESS);
                        });
    }

    @ParameterizedTest
    @EnumSource
    void aCompleteUpdateInsideTheWindowWinsOverTheRead(Gap gap) throws Exception {
        List<Row> read = List.of(row("1", "stale", "B"), row("2", "y", "C"));

        List<Windows.Closed> closed = pass(gap, read, update(row("1", "new", "B")));

        assertThat(closed.getFirst().rows()).containsExactly(row("2", "y", "C"));
    }

    @ParameterizedTest
    @EnumSource
    void aDeleteInsideTheWindowDropsTheRow(Gap gap) throws Exception {
        List<Windows.Closed> closed =
                pass(gap, List.of(row("1", "x", "B"), row("2", "y", "C")), delete("1"));

        assertThat(closed.getFirst().rows()).containsExactly(row("2", "y", "C"));
        assertThat(closed.getFirst().needed()).isEmpty();
    }

    /// Sequence "Update with an unchanged TOASTed cell inside the window".
    @ParameterizedTest
    @EnumSource
    void aPartialUpdateCompletesTheRow(Gap gap) throws Exception {
        List<Windows.Closed> closed =
                pass(
                        gap,
                        List.of(row("1", "1", "B")),
                        update(partial("1", "2")),
                        update(partial("1", "3")));

        assertThat(closed.getFirst().rows()).containsExactly(row("1", "3", "B"));
        assertThat(closed.getFirst().needed()).isEmpty();
    }

    @Test
    void partialUpdatesKeepTheCellsOfEachOther() throws Exception {
        Row second = new Row.Builder(SCHEMA).text(0, "1").unchanged(1).text(2, "C").build();

        List<Windows.Closed> closed =
                pass(
                        Gap.BETWEEN_READ_AND_HIGH_WATERMARK,
                        List.of(row("1", "1", "B")),
                        update(partial("1", "2")),
                        update(second));

        assertThat(closed.getFirst().rows()).containsExactly(row("1", "2", "C"));
    }

    /// A partial update of a row that the log contains completely is not written again.
    @Test
    void aWindowOfAnEndedRunIsNotOpened() throws Exception {
        Windows windows = new Windows(1 << 20);
        long run = windows.run();
        windows.open(TABLE, run).cancel();
        windows.discard();

        assertThatThrownBy(() -> windows.open(TABLE, run)).isInstanceOf(Windows.Discarded.class);
    }

    @Test
    void aPartialUpdateAfterACompleteOneDropsTheRow() throws Exception {
        List<Windows.Closed> closed =
                pass(
                        Gap.BETWEEN_READ_AND_HIGH_WATERMARK,
                        List.of(row("1", "1", "B")),
                        update(row("1", "2", "C")),
                        update(partial("1", "3")));

        assertThat(closed.getFirst().rows()).isEmpty();
        assertThat(closed.getFirst().needed()).isEmpty();
    }

    /// The mappings give nothing for the last update, and the complete row in the log is older.
    @Test
    void anUpdateThatAwaitsAReadAfterACompleteOneNeedsAKeyWindow() throws Exception {
        List<Windows.Closed> closed =
                pass(
                        Gap.BETWEEN_READ_AND_HIGH_WATERMARK,
                        List.of(row("1", "1", "B")),
                        update(row("1", "2", "C")),
                        new ChangeEvent.Update(1, Origin.NONE, partial("1", "3"), true));

        assertThat(closed.getFirst().rows()).isEmpty();
        assertThat(closed.getFirst().needed()).containsExactly(key("1"));
    }

    /// Sequence "A row moves from an unread page range to one already read".
    @Test
    void aPartialUpdateOfARowThatWasNotReadNeedsAKeyWindow() throws Exception {
        List<Windows.Closed> closed =
                pass(Gap.BEFORE_THE_READ, List.of(row("1", "1", "B")), update(partial("7", "2")));

        assertThat(closed.getFirst().rows()).containsExactly(row("1", "1", "B"));
        assertThat(closed.getFirst().needed()).containsExactly(key("7"));
    }

    /// Sequence "Partial Insert over a stale row".
    @Test
    void aKeyChangeWithUnchangedCellsNeedsAKeyWindow() throws Exception {
        List<Windows.Closed> closed =
                pass(
                        Gap.BETWEEN_READ_AND_HIGH_WATERMARK,
                        List.of(row("1", "x", "B"), row("2", "stale", "S")),
                        delete("2"),
                        delete("1"),
                        insert(partial("2", "x")),
                        update(partial("2", "y")));

        assertThat(closed.getFirst().rows()).isEmpty();
        assertThat(closed.getFirst().needed()).containsExactly(key("2"));
    }

    @Test
    void aCompleteUpdateAfterAPartialInsertNeedsNothing() throws Exception {
        List<Windows.Closed> closed =
                pass(
                        Gap.BEFORE_THE_READ,
                        List.of(row("2", "x", "B")),
                        insert(partial("2", "x")),
                        update(row("2", "x", "C")));

        assertThat(closed.getFirst().rows()).isEmpty();
        assertThat(closed.getFirst().needed()).isEmpty();
    }

    /// A read of it gives no more than the change.
    @Test
    void aRowThatTheLogCannotHoldReplacesWhatWasReadBefore() throws Exception {
        List<Windows.Closed> closed =
                pass(
                        Gap.BEFORE_THE_READ,
                        List.of(row("2", "x", "B")),
                        insert(partial("2", "x")),
                        new ChangeEvent.Oversized(
                                1, ChangeEvent.Origin.NONE, partial("2", "x"), "too large"));

        assertThat(closed.getFirst().rows()).isEmpty();
        assertThat(closed.getFirst().needed()).isEmpty();
    }

    /// Sequence "TRUNCATE inside a window".
    @Test
    void rowsReadBeforeATruncateAreDropped() throws Exception {
        Window window = windows.open(TABLE);
        windows.changed(update(partial("1", "2")));
        windows.truncated(TABLE);
        windows.changed(insert(row("3", "c", "D")));
        window.close(HIGH, List.of(row("1", "1", "B"), row("3", "c", "D")), PROGRESS);
        windows.watermark(HIGH);

        Windows.Closed closed = windows.closing().getFirst();

        assertThat(closed.rows()).isEmpty();
        assertThat(closed.needed()).isEmpty();
    }

    @Test
    void eventsBeforeTheRegistrationAndOfOtherTablesAreOutside() throws Exception {
        TableId other = new TableId("public", "other");
        RowSchema otherSchema = RowSchema.keyed(other, SCHEMA.columns(), List.of("id"));
        windows.changed(delete("1"));
        Window window = windows.open(TABLE);
        windows.changed(insert(Row.of(otherSchema, "1", "x", "B")));
        windows.truncated(other);
        window.close(HIGH, List.of(row("1", "x", "B")), PROGRESS);
        windows.watermark(HIGH);

        assertThat(windows.closing().getFirst().rows()).containsExactly(row("1", "x", "B"));
    }

    /// Sequence "The reverse move": two windows read a row, the later one newer.
    @Test
    void eachWindowHasItsOwnEvents() throws Exception {
        Window early = windows.open(TABLE);
        windows.changed(update(partial("1", "2")));
        Window late = windows.open(TABLE);
        late.close(HIGH, List.of(row("1", "2", "B")), PROGRESS);
        early.close(HIGH, List.of(row("1", "1", "B")), PROGRESS);
        windows.watermark(HIGH);

        assertThat(windows.closing())
                .hasSize(2)
                .allSatisfy(c -> assertThat(c.rows()).containsExactly(row("1", "2", "B")));
    }

    @Test
    void aWindowIsWrittenOnlyAfterTheCommit() throws Exception {
        Window window = windows.open(TABLE);
        window.close(HIGH, List.of(), PROGRESS);
        windows.watermark(new WatermarkNumber(1, 69));
        assertThat(windows.closing()).isEmpty();
        windows.watermark(new WatermarkNumber(1, 71));
        List<Windows.Closed> closed = windows.closing();
        assertThat(window.outcome).isNull();
        window.cancel();

        windows.written(closed);

        assertThat(window.awaitWritten()).isEqualTo(Outcome.WRITTEN);
        assertThat(windows.closing()).isEmpty();
    }

    @Test
    void theEndOfTheRunDiscardsEveryPendingWindow() throws Exception {
        Window reading = windows.open(TABLE);
        Window closed = windows.open(TABLE);
        closed.close(HIGH, List.of(row("1", "x", "B")), PROGRESS);
        windows.watermark(HIGH);
        List<Windows.Closed> writing = windows.closing();

        windows.discard();
        windows.written(writing);
        reading.close(HIGH, List.of(row("1", "x", "B")), PROGRESS);

        assertThat(closed.awaitWritten()).isEqualTo(Outcome.DISCARDED);
        assertThat(reading.awaitWritten()).isEqualTo(Outcome.DISCARDED);
        windows.watermark(HIGH);
        assertThat(windows.closing()).isEmpty();
    }

    @Test
    void theEndOfTheRunEndsTheWaitForAWatermark() throws Exception {
        CompletableFuture<Void> waiting = awaiting(HIGH);
        windows.watermark(new WatermarkNumber(1, 69));
        assertThat(waiting).isNotDone();

        windows.discard();

        assertThat(waiting)
                .failsWithin(Duration.ofSeconds(10))
                .withThrowableThat()
                .withCauseInstanceOf(Windows.Discarded.class);
        CompletableFuture<Void> next = awaiting(HIGH);
        windows.watermark(HIGH);
        assertThat(next).succeedsWithin(Waits.LIMIT);
    }

    private CompletableFuture<Void> awaiting(WatermarkNumber number) throws InterruptedException {
        CompletableFuture<Void> done = new CompletableFuture<>();
        Thread thread =
                Thread.ofPlatform()
                        .start(
                                () -> {
                                    try {
                                        windows.awaitPassed(number);
                                        done.complete(null);
                                    } catch (InterruptedException | Windows.Discarded e) {
                                        done.completeExceptionally(e);
                                    }
                                });
        awaitWaiting(thread);
        return done;
    }

    private static void awaitWaiting(Thread thread) {
        Awaitility.await()
                .pollInterval(Duration.ofMillis(1))
                .until(
                        () ->
                                Set.of(Thread.State.WAITING, Thread.State.TERMINATED)
                                        .contains(thread.getState()));
    }

    @Test
    void tooManyChangesAbandonTheWindowAndFreeItsMemory() throws Exception {
        Windows small = new Windows(4_000);
        Window abandoned = small.open(TABLE);
        int changes = 0;
        while (abandoned.outcome == null) {
            small.changed(delete("key" + changes++));
        }
        Window next = small.open(TABLE);
        small.changed(delete("1"));

        assertThat(changes).isGreaterThan(5);
        assertThat(abandoned.awaitWritten()).isEqualTo(Outcome.TOO_MANY_CHANGES);
        assertThat(next.outcome).isNull();
    }

    /// Only a mark is kept of a complete change, however large its row is.
    @Test
    void completeChangesOccupyLittle() {
        Windows small = new Windows(10_000);
        Window window = small.open(TABLE);

        for (int i = 0; i < 20; i++) {
            small.changed(update(row("" + i, "x", "B".repeat(100_000))));
        }

        assertThat(window.outcome).isNull();
    }

    @Test
    void rowsWaitForTheRowsOfOtherWindows() throws Exception {
        Windows small = new Windows(4_000);
        Window first = small.open(TABLE);
        Window second = small.open(TABLE);
        first.close(HIGH, List.of(row("1", "x", "B".repeat(9_000))), PROGRESS);
        Thread closing =
                Thread.ofPlatform()
                        .start(
                                () -> {
                                    try {
                                        second.close(HIGH, List.of(row("2", "x", "B")), PROGRESS);
                                    } catch (InterruptedException e) {
                                        throw new IllegalStateException(e);
                                    }
                                });
        awaitWaiting(closing);
        small.watermark(HIGH);
        List<Windows.Closed> closed = small.closing();
        assertThat(closed).hasSize(1);
        awaitWaiting(closing);
        assertThat(closing.isAlive()).isTrue();

        small.written(closed);
        closing.join();

        assertThat(small.closing().getFirst().rows()).containsExactly(row("2", "x", "B"));
    }

    @Test
    void aWindowWhoseColumnsChangedIsAbandoned() throws Exception {
        RowSchema wider = RowSchema.keyed(TABLE, List.of("id", "a", "big", "added"), List.of("id"));
        Window window = windows.open(TABLE);
        windows.changed(
                update(new Row.Builder(wider).text(0, "1").text(1, "2").unchanged(2).build()));
        window.close(HIGH, List.of(row("1", "1", "B")), PROGRESS);
        windows.watermark(HIGH);

        assertThat(windows.closing()).isEmpty();
        assertThat(window.awaitWritten()).isEqualTo(Outcome.COLUMNS_CHANGED);
    }
}
