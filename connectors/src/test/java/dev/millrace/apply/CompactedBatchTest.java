package dev.millrace.apply;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.millrace.change.Row;
import dev.millrace.change.RowKey;
import dev.millrace.change.RowSchema;
import dev.millrace.change.TableId;
import dev.millrace.change.TargetChange;
import dev.millrace.change.Token;
import dev.millrace.change.WatermarkNumber;
import dev.millrace.control.StoppedTables.StoppedTable;
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

    private TableChanges collapsed() {
        return Objects.requireNonNull(CompactedBatch.of(0, changes, Set.of()).tables().get(ITEM));
    }

    @Test
    void aNewerRowKeepsTheCellThatItLeftUnchanged() {
        upsert(Row.of(ROW_SCHEMA, "1", "1", "X"));
        upsert(withoutBig("1", "2"));

        assertThat(collapsed().complete()).containsExactly(Row.of(ROW_SCHEMA, "1", "2", "X"));
        assertThat(collapsed().partial()).isEmpty();
        assertThat(collapsed().cleared()).isEmpty();
    }

    @Test
    void aRowWithoutAnOlderOneStaysPartial() {
        upsert(withoutBig("1", "2"));
        upsert(withoutBig("1", "3"));

        assertThat(collapsed().partial()).containsExactly(withoutBig("1", "3"));
        assertThat(collapsed().complete()).isEmpty();
    }

    @Test
    void aDeleteClearsWhatWasBefore() {
        upsert(Row.of(ROW_SCHEMA, "1", "1", "X"));
        delete("1");

        assertThat(collapsed().complete()).isEmpty();
        assertThat(collapsed().cleared()).containsExactly(RowKey.of(ITEM, "1"));
    }

    @Test
    void aRowBehindADeleteIsWrittenAnew() {
        delete("1");
        upsert(Row.of(ROW_SCHEMA, "1", "1", "X"));

        assertThat(collapsed().cleared()).containsExactly(RowKey.of(ITEM, "1"));
        assertThat(collapsed().complete()).hasSize(1);
        assertThat(collapsed().lacksPast()).isFalse();
    }

    @Test
    void aPartialRowBehindADeleteHasNoPast() {
        upsert(Row.of(ROW_SCHEMA, "1", "1", "X"));
        delete("1");
        upsert(withoutBig("1", "2"));

        assertThat(collapsed().lacksPast()).isTrue();
    }

    @Test
    void aRejectedChangeStopsItsTableFromThereOn() {
        upsert(Row.of(ROW_SCHEMA, "1", "1", "X"));
        changes.add(
                new TargetChange.Rejected(
                        next(), ITEM, RowKey.of(new TableId("s", "t"), "9"), "why"));
        upsert(Row.of(ROW_SCHEMA, "2", "2", "Y"));

        CompactedBatch collapse = CompactedBatch.of(4, changes, Set.of());

        assertThat(Objects.requireNonNull(collapse.tables().get(ITEM)).complete())
                .containsExactly(Row.of(ROW_SCHEMA, "1", "1", "X"));
        assertThat(collapse.newlyStopped()).containsExactly(new StoppedTable(ITEM, "why", 4, 101));
        assertThat(collapse.rejected().counts()).isEqualTo(Map.of(ITEM, 2L));
    }

    @Test
    void aStoppedTableTakesNothing() {
        upsert(Row.of(ROW_SCHEMA, "1", "1", "X"));
        delete("2");

        CompactedBatch collapse = CompactedBatch.of(0, changes, Set.of(ITEM));

        assertThat(collapse.tables()).isEmpty();
        assertThat(collapse.rejected().counts()).isEqualTo(Map.of(ITEM, 2L));
    }

    @Test
    void aTruncateIsNeverInsideABatch() {
        changes.add(new TargetChange.Truncate(next(), ITEM, 1));

        assertThatThrownBy(() -> CompactedBatch.of(0, changes, Set.of()))
                .isInstanceOf(IllegalStateException.class);
    }

    @Test
    void keysAreSortedAndWholeNumbersByValue() {
        for (String id : List.of("10", "9", "-1", "b", "2", "a")) {
            upsert(Row.of(ROW_SCHEMA, id, "", ""));
        }
        changes.add(new TargetChange.Watermark(next(), new WatermarkNumber(1, 1)));

        assertThat(collapsed().complete())
                .extracting(row -> row.text(0))
                .containsExactly("2", "9", "10", "-1", "a", "b");
        assertThat(collapsed().count()).isEqualTo(6);
    }
}
