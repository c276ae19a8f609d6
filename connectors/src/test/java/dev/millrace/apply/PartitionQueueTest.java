package dev.millrace.apply;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.millrace.apply.TargetTask.PartitionBatch;
import dev.millrace.change.Row;
import dev.millrace.change.RowSchema;
import dev.millrace.change.TargetChange;
import dev.millrace.change.Token;
import dev.millrace.change.WatermarkNumber;
import dev.millrace.control.StoredOffset;
import org.junit.jupiter.api.Test;

class PartitionQueueTest {

    private static final RowSchema ROW_SCHEMA = ApplierScenario.rowSchema("item", "id", "name");

    private final PartitionQueue queue = new PartitionQueue(at(10, 5, 0, 0));

    private static StoredOffset at(long next, long changesOffset, int ordinal, long watermark) {
        return new StoredOffset(
                0,
                "topic",
                next,
                new Token(2, changesOffset, ordinal),
                new WatermarkNumber(2, watermark));
    }

    private static TargetChange upsert(int generation, long changesOffset, int ordinal) {
        return new TargetChange.Upsert(
                new Token(generation, changesOffset, ordinal), Row.of(ROW_SCHEMA, "1", "x"));
    }

    private PartitionBatch take(int rows) {
        return queue.take(rows, 1 << 20).orElseThrow();
    }

    @Test
    void aRecordWhoseTokenIsStoredMovesTheOffsetAlone() {
        queue.add(10, upsert(2, 5, 0), 1);
        queue.add(11, upsert(2, 4, 9), 1);

        PartitionBatch batch = take(10);

        assertThat(batch.changes()).isEmpty();
        assertThat(batch.to()).isEqualTo(at(12, 5, 0, 0));
    }

    @Test
    void theSecondOutputOfOneChangeIsNew() {
        queue.add(10, upsert(2, 5, 1), 1);

        assertThat(take(1).to()).isEqualTo(at(11, 5, 1, 0));
    }

    @Test
    void aRecordSentAgainWithinTheQueueIsDropped() {
        queue.add(10, upsert(2, 6, 0), 1);
        queue.add(11, upsert(2, 7, 0), 1);
        queue.add(12, upsert(2, 6, 0), 1);
        queue.add(13, upsert(2, 7, 0), 1);
        queue.add(14, upsert(2, 8, 0), 1);

        assertThat(take(10).changes()).hasSize(3);
    }

    @Test
    void anOlderGenerationIsDroppedAndANewerOneRefused() {
        queue.add(10, upsert(1, 900, 0), 1);

        assertThat(take(1).changes()).isEmpty();
        assertThatThrownBy(() -> queue.add(11, upsert(3, 0, 0), 1))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("generation 3");
    }

    @Test
    void aBatchEndsAtItsRowsItsBytesAndBeforeATruncate() {
        queue.add(10, upsert(2, 6, 0), 100);
        queue.add(11, upsert(2, 7, 0), 100);
        queue.add(12, upsert(2, 8, 0), 100);
        queue.add(13, new TargetChange.Truncate(new Token(2, 9, 0), ROW_SCHEMA.table(), 7), 1);

        assertThat(take(1).to().nextOffset()).isEqualTo(11);
        assertThat(queue.take(10, 50).orElseThrow().to().nextOffset()).isEqualTo(12);
        assertThat(queue.truncate()).isEmpty();
        queue.applied(at(12, 7, 0, 0));
        assertThat(take(10).to().nextOffset()).isEqualTo(13);
        assertThat(queue.take(10, 50)).isEmpty();
        assertThat(queue.truncate()).isPresent();
        queue.applied(at(13, 8, 0, 3));
        assertThat(queue.behindTruncate()).isEqualTo(at(14, 9, 0, 3));
    }

    @Test
    void aBatchEndsWhereATablesShapeChanges() {
        RowSchema wider = ApplierScenario.rowSchema("item", "id", "name", "more");
        queue.add(10, upsert(2, 6, 0), 1);
        queue.add(11, new TargetChange.Upsert(new Token(2, 7, 0), Row.of(wider, "1", "x", "y")), 1);

        assertThat(take(10).to().nextOffset()).isEqualTo(11);
        queue.applied(at(11, 6, 0, 0));
        assertThat(take(10).to().nextOffset()).isEqualTo(12);
    }

    @Test
    void aWatermarkNeverGoesBack() {
        queue.add(
                10, new TargetChange.Watermark(new Token(2, 6, 0), new WatermarkNumber(2, 50)), 1);
        queue.add(
                11, new TargetChange.Watermark(new Token(2, 7, 0), new WatermarkNumber(2, 40)), 1);

        assertThat(queue.isIdle()).isTrue();
        assertThat(take(10).to().watermark().number()).isEqualTo(50);
    }
}
