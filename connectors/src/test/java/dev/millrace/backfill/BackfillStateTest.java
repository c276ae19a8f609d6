package dev.millrace.backfill;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.millrace.backfill.BackfillState.Fact;
import dev.millrace.backfill.Progress.LeafVersion;
import dev.millrace.backfill.codec.ProgressCodec;
import dev.millrace.backfill.codec.ProgressCodec.Stored;
import dev.millrace.change.ChangeEvent;
import dev.millrace.change.ChangeEvent.Origin;
import dev.millrace.change.Row;
import dev.millrace.change.RowKey;
import dev.millrace.change.RowSchema;
import dev.millrace.change.TableId;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;

class BackfillStateTest {

    private static final TableId TABLE = new TableId("public", "odd \"name\"");
    private static final RowSchema SCHEMA =
            RowSchema.keyed(TABLE, List.of("id", "big"), List.of("id"));
    private static final LeafVersion LEAF = new LeafVersion(16_384, 16_390, "701/702");

    private final ProgressCodec codec = new ProgressCodec();

    /// Room for two keys.
    private final BackfillState state = new BackfillState(3, 1_000);

    /// A compacted topic: the last record of each key.
    private final Map<String, Optional<String>> topic = new LinkedHashMap<>();

    private void commit(ProgressBatch batch) {
        List<Fact> facts = batch.facts();
        for (Fact fact : facts) {
            Stored stored = codec.encode(3, fact);
            topic.put(stored.key(), stored.value());
        }
        state.fold(facts);
    }

    private BackfillState restarted(int generation) {
        BackfillState again = new BackfillState(generation, 1_000);
        topic.forEach(
                (key, value) ->
                        codec.decode(generation, new Stored(key, value))
                                .ifPresent(fact -> again.fold(List.of(fact))));
        return again;
    }

    private void write(Progress progress, List<Row> rows, RowKey... needed) {
        ProgressBatch batch = new ProgressBatch(state);
        batch.written(closed(progress, rows, needed));
        commit(batch);
    }

    private static Windows.Closed closed(Progress progress, List<Row> rows, RowKey... needed) {
        Window window = new Windows(1).open(TABLE);
        return new Windows.Closed(TABLE, rows, Set.of(needed), List.of(), progress, window);
    }

    private static Row partial(String id) {
        return new Row.Builder(SCHEMA).text(0, id).unchanged(1).build();
    }

    private static RowKey key(String id) {
        return RowKey.of(TABLE, id);
    }

    private static TidRange pages(long from, long to) {
        return new TidRange(TidRange.page(from), TidRange.page(to));
    }

    @Test
    void aRestartKnowsTheRangesThatAreRead() {
        write(new Progress.Started(TABLE), List.of());
        write(new Progress.RangeRead(TABLE, LEAF, pages(0, 10), 100), List.of());
        write(new Progress.RangeRead(TABLE, LEAF, pages(20, 30), 50), List.of());

        BackfillState again = restarted(3);

        assertThat(again.isStarted(TABLE)).isTrue();
        assertThat(again.isComplete(TABLE)).isFalse();
        assertThat(again.rows(TABLE)).isEqualTo(150);
        assertThat(again.read(LEAF).orElseThrow().done().missing().ranges())
                .containsExactly(pages(10, 20), new TidRange(TidRange.page(30), TidRange.END));
    }

    @Test
    void windowsOfOneTransactionAddUp() {
        ProgressBatch batch = new ProgressBatch(state);
        batch.written(closed(new Progress.RangeRead(TABLE, LEAF, pages(0, 10), 100), List.of()));
        batch.written(
                closed(
                        new Progress.RangeRead(
                                TABLE, LEAF, new TidRange(TidRange.page(10), TidRange.END), 1),
                        List.of()));
        commit(batch);

        assertThat(restarted(3).read(LEAF).orElseThrow().done().isEverything()).isTrue();
        assertThat(restarted(3).rows(TABLE)).isEqualTo(101);
    }

    /// Sequence "VACUUM FULL, CLUSTER, or TRUNCATE and refill between two ranges".
    @Test
    void nothingIsReadOfARewrittenLeaf() {
        LeafVersion rewritten = new LeafVersion(LEAF.oid(), 17_000, LEAF.inheritance());
        write(new Progress.RangeRead(TABLE, LEAF, pages(0, 10), 100), List.of());
        write(new Progress.RangeRead(TABLE, rewritten, pages(0, 1), 7), List.of());

        BackfillState again = restarted(3);

        assertThat(again.read(LEAF)).isEmpty();
        assertThat(again.read(rewritten).orElseThrow().done().ranges())
                .containsExactly(pages(0, 1));
        assertThat(again.rows(TABLE)).isEqualTo(7);
    }

    /// Sequence "The need for a key window dies with the process".
    @Test
    void aRestartKnowsTheKeysThatNeedAKeyWindow() {
        ProgressBatch batch = new ProgressBatch(state);
        batch.changed(new ChangeEvent.Update(3, Origin.NONE, partial("7"), true));
        commit(batch);

        assertThat(restarted(3).needs(TABLE, 10)).containsExactly(key("7"));
        write(new Progress.KeysRead(TABLE, Set.of(key("7"))), List.of());
        assertThat(restarted(3).needs()).isZero();
    }

    @Test
    void aKeyThatTheWindowLeavesIncompleteIsStillNeeded() {
        ProgressBatch batch = new ProgressBatch(state);
        batch.changed(new ChangeEvent.Insert(3, Origin.NONE, partial("7"), true));
        batch.changed(new ChangeEvent.Insert(3, Origin.NONE, partial("8"), true));
        commit(batch);

        write(new Progress.KeysRead(TABLE, Set.of(key("7"), key("8"))), List.of(), key("7"));

        assertThat(restarted(3).needs(TABLE, 10)).containsExactly(key("7"));
    }

    @Test
    void aRowOfAnyWindowSatisfiesTheNeed() {
        ProgressBatch batch = new ProgressBatch(state);
        batch.changed(new ChangeEvent.Update(3, Origin.NONE, partial("7"), true));
        batch.changed(new ChangeEvent.Update(3, Origin.NONE, partial("8"), true));
        batch.written(
                closed(
                        new Progress.RangeRead(TABLE, LEAF, pages(0, 1), 1),
                        List.of(Row.of(SCHEMA, "7", "B"))));
        commit(batch);
        assertThat(restarted(3).needs(TABLE, 10)).containsExactly(key("8"));

        ProgressBatch later = new ProgressBatch(state);
        later.changed(new ChangeEvent.Delete(3, Origin.NONE, Row.of(SCHEMA, "8", null)));
        commit(later);
        assertThat(restarted(3).needs()).isZero();
    }

    @Test
    void onlyAnEventThatAwaitsAReadNeedsAKeyWindow() {
        write(new Progress.Complete(TABLE, 0), List.of());
        ProgressBatch batch = new ProgressBatch(state);
        batch.changed(new ChangeEvent.Update(3, Origin.NONE, partial("7")));
        batch.changed(new ChangeEvent.Insert(3, Origin.NONE, partial("8"), true));
        commit(batch);
        // Another window saw both changes.
        write(new Progress.KeysRead(TABLE, Set.of(key("9"))), List.of(), key("7"), key("8"));

        assertThat(restarted(3).isComplete(TABLE)).isTrue();
        assertThat(restarted(3).needs(TABLE, 10)).containsExactly(key("8"));
    }

    @Test
    void aStartDoesNotUndoTheEnginesSnapshot() {
        ProgressBatch batch = new ProgressBatch(state);
        batch.complete(TABLE);
        assertThat(batch.isComplete(TABLE)).isTrue();
        commit(batch);
        write(new Progress.Started(TABLE), List.of());

        assertThat(restarted(3).isComplete(TABLE)).isTrue();
    }

    @Test
    void aTruncateEndsEveryNeed() {
        ProgressBatch batch = new ProgressBatch(state);
        batch.changed(new ChangeEvent.Update(3, Origin.NONE, partial("7"), true));
        commit(batch);
        ProgressBatch next = new ProgressBatch(state);
        next.changed(new ChangeEvent.Update(3, Origin.NONE, partial("8"), true));
        next.truncated(TABLE);
        commit(next);

        assertThat(restarted(3).needs()).isZero();
    }

    /// A read would give no more of it.
    @Test
    void aRowThatTheLogCannotHoldEndsTheNeedOfItsKey() {
        ProgressBatch batch = new ProgressBatch(state);
        batch.changed(new ChangeEvent.Update(3, Origin.NONE, partial("7"), true));
        batch.changed(new ChangeEvent.Oversized(3, Origin.NONE, partial("7"), "too large"));
        commit(batch);

        assertThat(restarted(3).needs()).isZero();
    }

    private static void change(ProgressBatch batch, String... ids) {
        for (String id : ids) {
            batch.changed(new ChangeEvent.Insert(3, Origin.NONE, partial(id), true));
        }
    }

    @Test
    void tooManyNeedsBeginTheTableAgain() {
        write(new Progress.Started(TABLE), List.of());
        write(new Progress.RangeRead(TABLE, LEAF, pages(0, 10), 100), List.of());
        ProgressBatch batch = new ProgressBatch(state);
        change(batch, "7");
        assertThat(batch.beginAgain()).isEmpty();
        commit(batch);
        ProgressBatch next = new ProgressBatch(state);
        change(next, "8", "9");

        assertThat(next.beginAgain()).containsExactly(TABLE);
        commit(next);

        assertThat(state.beginnings()).isEqualTo(1);
        assertThat(state.needBytes().get(TABLE)).isZero();
        for (BackfillState each : List.of(state, restarted(3))) {
            assertThat(each.needs()).isZero();
            assertThat(each.isStarted(TABLE)).isTrue();
            assertThat(each.isComplete(TABLE)).isFalse();
            assertThat(each.read(LEAF).orElseThrow().done().ranges()).isEmpty();
            assertThat(each.rows(TABLE)).isZero();
        }
    }

    @Test
    void theEndOfAReadingThatBeganAgainIsVoid() {
        write(new Progress.Started(TABLE), List.of());
        ProgressBatch batch = new ProgressBatch(state);
        change(batch, "7", "8", "9");
        batch.beginAgain();
        batch.written(closed(new Progress.Complete(TABLE, 0), List.of()));
        commit(batch);
        assertThat(state.isComplete(TABLE)).isFalse();

        write(new Progress.Complete(TABLE, 0), List.of());
        assertThat(state.isComplete(TABLE)).isFalse();

        write(new Progress.Complete(TABLE, 1), List.of());
        assertThat(state.isComplete(TABLE)).isTrue();
    }

    /// The phases of the migration never go back to the backfill.
    @Test
    void aCompleteTableKeepsItsNeeds() {
        TableId other = new TableId("public", "other");
        write(new Progress.Started(other), List.of());
        write(new Progress.Started(TABLE), List.of());
        write(new Progress.Complete(TABLE, 0), List.of());
        ProgressBatch batch = new ProgressBatch(state);
        change(batch, "7", "8", "9");
        batch.changed(
                new ChangeEvent.Insert(
                        3,
                        Origin.NONE,
                        new Row.Builder(RowSchema.keyed(other, List.of("id", "big"), List.of("id")))
                                .text(0, "1")
                                .unchanged(1)
                                .build(),
                        true));

        assertThat(batch.beginAgain()).isEmpty();
        commit(batch);

        assertThat(state.isComplete(TABLE)).isTrue();
        assertThat(state.needs()).isEqualTo(4);
    }

    @Test
    void beforeTheStartOfATableItsNeedsAreForgotten() {
        ProgressBatch batch = new ProgressBatch(state);
        change(batch, "7", "8", "9");

        assertThat(batch.beginAgain()).isEmpty();
        commit(batch);

        assertThat(state.needs()).isZero();
        assertThat(state.isStarted(TABLE)).isFalse();
    }

    @Test
    void progressOfAnotherGenerationCountsForNothing() {
        write(new Progress.Complete(TABLE, 0), List.of());

        assertThat(restarted(4).isStarted(TABLE)).isFalse();
    }

    @Test
    void aKeyMayContainAnything() {
        RowSchema pair = RowSchema.keyed(TABLE, List.of("a", "b"), List.of("a", "b"));
        Row odd = Row.of(pair, "x\"],\n\u0001", null);
        Fact fact = new Fact.OfKey(odd.key(), true);

        assertThat(codec.decode(3, codec.encode(3, fact))).contains(fact);
    }

    @Test
    void anotherFormatIsRefused() {
        Stored other = new Stored("[\"leaf\",1]", Optional.of("{\"format\":2}"));

        assertThatThrownBy(() -> codec.decode(3, other))
                .hasMessageContaining("has format 2")
                .hasMessageContaining("reads format 1");
    }
}
