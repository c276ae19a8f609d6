package dev.millrace.apply;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.millrace.apply.rows.CompactedBatch;
import dev.millrace.apply.rows.TableChanges;
import dev.millrace.change.Row;
import dev.millrace.change.RowKey;
import dev.millrace.change.RowSchema;
import dev.millrace.change.TableId;
import dev.millrace.change.TargetChange;
import dev.millrace.change.Token;
import dev.millrace.change.WatermarkNumber;
import dev.millrace.control.stopped.StoppedTables.StoppedTable;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.junit.jupiter.api.Test;

class CompactedBatchTest {

    private static final RowSchema ROW_SCHEMA = ApplierScenario.rowSchema("item", "id", "a", "big");
    private static final TableId ITEM = ROW_SCHEMA.table();

    private final List<TargetChange> changes = new ArrayList<>();

    private Token next() {
        return new Token(1, changes.size() + 100L, 0);
    }

    private void upsert(Row row) {
        changes.add(new TargetChange.Upsert(next(), row));
    }

    private void delete(String id) {
        changes.add(new TargetChange.Delete(next(), ApplierScenario.key(ROW_SCHEMA, id)));
    }

    private static Row withoutBig(String id, String a) {
        return new Row.Builder(ROW_SCHEMA).text(0, id).text(1, a).unchanged(2).build();
    }

    private TableChanges changesOfItem() {
        return Objects.requireNonNull(
                CompactedBatch.of(0, changes, Set.of(), Set.of(), _ -> false).tables().get(ITEM));
    }

    @Test
    void newerRowKeepsItsUnchangedCells() {
        upsert(Row.of(ROW_SCHEMA, "1", "1", "X"));
        upsert(withoutBig("1", "2"));

        assertThat(changesOfItem().upserts()).containsExactly(Row.of(ROW_SCHEMA, "1", "2", "X"));
        assertThat(changesOfItem().updates()).isEmpty();
        assertThat(changesOfItem().deletes()).isEmpty();
    }

    @Test
    void rowWithoutAnOlderOneRemainsPartial() {
        upsert(withoutBig("1", "2"));
        upsert(withoutBig("1", "3"));

        assertThat(changesOfItem().updates()).containsExactly(withoutBig("1", "3"));
        assertThat(changesOfItem().upserts()).isEmpty();
    }

    @Test
    void deleteDiscardsEarlierChanges() {
        upsert(Row.of(ROW_SCHEMA, "1", "1", "X"));
        delete("1");

        assertThat(changesOfItem().upserts()).isEmpty();
        assertThat(changesOfItem().deletes()).containsExactly(RowKey.of(ITEM, "1"));
    }

    @Test
    void rowAfterADeleteIsInsertedAgain() {
        delete("1");
        upsert(Row.of(ROW_SCHEMA, "1", "1", "X"));

        assertThat(changesOfItem().deletes()).containsExactly(RowKey.of(ITEM, "1"));
        assertThat(changesOfItem().upserts()).hasSize(1);
        assertThat(changesOfItem().needsDeletedCells()).isFalse();
    }

    @Test
    void partialRowAfterADeleteNeedsDeletedCells() {
        upsert(Row.of(ROW_SCHEMA, "1", "1", "X"));
        delete("1");
        upsert(withoutBig("1", "2"));

        assertThat(changesOfItem().needsDeletedCells()).isTrue();
    }

    @Test
    void rejectedChangeStopsItsTable() {
        upsert(Row.of(ROW_SCHEMA, "1", "1", "X"));
        changes.add(ApplierScenario.rejected(next(), ITEM, "why"));
        upsert(Row.of(ROW_SCHEMA, "2", "2", "Y"));

        CompactedBatch batch = CompactedBatch.of(4, changes, Set.of(), Set.of(), _ -> false);

        assertThat(Objects.requireNonNull(batch.tables().get(ITEM)).upserts())
                .containsExactly(Row.of(ROW_SCHEMA, "1", "1", "X"));
        assertThat(batch.newlyStopped()).containsExactly(new StoppedTable(ITEM, "why", 4, 101));
        assertThat(batch.rejected().counts()).isEqualTo(Map.of(ITEM, 2L));
    }

    @Test
    void rejectsChangesOfAStoppedTable() {
        upsert(Row.of(ROW_SCHEMA, "1", "1", "X"));
        delete("2");

        CompactedBatch batch = CompactedBatch.of(0, changes, Set.of(ITEM), Set.of(), _ -> false);

        assertThat(batch.tables()).isEmpty();
        assertThat(batch.rejected().counts()).isEqualTo(Map.of(ITEM, 2L));
    }

    @Test
    void refusesATruncateInsideABatch() {
        changes.add(new TargetChange.Truncate(next(), List.of(ITEM), 1));

        assertThatThrownBy(() -> CompactedBatch.of(0, changes, Set.of(), Set.of(), _ -> false))
                .isInstanceOf(IllegalStateException.class);
    }

    @Test
    void endOfABackfillIsOfItsTablesAndWritesNoRow() {
        TableId other = new TableId("public", "other");
        changes.add(new TargetChange.BackfillComplete(next(), List.of(ITEM, other)));

        CompactedBatch batch = CompactedBatch.of(0, changes, Set.of(), Set.of(), _ -> false);

        assertThat(batch.backfilled()).containsExactly(ITEM, other);
        assertThat(batch.tables()).isEmpty();
        assertThat(batch.changeCount()).isZero();
    }

    @Test
    void sortsKeysAndOrdersWholeNumbersByValue() {
        for (String id : List.of("10", "9", "-1", "b", "2", "a")) {
            upsert(Row.of(ROW_SCHEMA, id, "", ""));
        }
        changes.add(new TargetChange.Watermark(next(), new WatermarkNumber(1, 1)));

        assertThat(changesOfItem().upserts())
                .extracting(row -> row.text(0))
                .containsExactly("2", "9", "10", "-1", "a", "b");
        assertThat(changesOfItem().changeCount()).isEqualTo(6);
    }
}
