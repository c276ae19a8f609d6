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
import java.time.Duration;
import java.time.Instant;
import org.junit.jupiter.api.Test;

class PartitionProgressTest {

    private static final RowSchema ROW_SCHEMA = ApplierScenario.rowSchema("item", "id", "name");
    private static final Duration IDLE_MOVE = Duration.ofMillis(100);
    private static final Instant NOW = Instant.parse("2026-01-01T00:00:00Z");
    private static final StoredOffset START = at(10, 5, 0, 0);

    private final PartitionProgress partition =
            new PartitionProgress(new TargetTopic("topic", 1, true), START);

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

    private static TargetChange watermark(long changesOffset, long number) {
        return new TargetChange.Watermark(
                new Token(2, changesOffset, 0), new WatermarkNumber(2, number));
    }

    private static TargetChange truncate(long changesOffset) {
        return new TargetChange.Truncate(new Token(2, changesOffset, 0), ROW_SCHEMA.table(), 7);
    }

    private PartitionBatch take(int rows) {
        return partition.take(rows, 1 << 20).orElseThrow();
    }

    @Test
    void recordWithAStoredTokenOnlyMovesTheOffset() {
        partition.add(10, upsert(2, 5, 0), 1);
        partition.add(11, upsert(2, 4, 9), 1);

        PartitionBatch batch = take(10);

        assertThat(batch.changes()).isEmpty();
        assertThat(batch.to()).isEqualTo(at(12, 5, 0, 0));
    }

    @Test
    void secondOutputOfOneChangeIsNew() {
        partition.add(10, upsert(2, 5, 1), 1);

        assertThat(take(1).to()).isEqualTo(at(11, 5, 1, 0));
    }

    @Test
    void dropsARecordThatWasSentAgain() {
        partition.add(10, upsert(2, 6, 0), 1);
        partition.add(11, upsert(2, 7, 0), 1);
        partition.add(12, upsert(2, 6, 0), 1);
        partition.add(13, upsert(2, 7, 0), 1);
        partition.add(14, upsert(2, 8, 0), 1);

        assertThat(take(10).changes()).hasSize(3);
    }

    @Test
    void dropsAnOlderGenerationAndRefusesANewerOne() {
        partition.add(10, upsert(1, 900, 0), 1);

        assertThat(take(1).changes()).isEmpty();
        assertThatThrownBy(() -> partition.add(11, upsert(3, 0, 0), 1))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("generation 3");
    }

    @Test
    void topicWithoutTokensDropsNothingOfItsGeneration() {
        var stateful = new PartitionProgress(new TargetTopic("topic", 1, false), START);
        stateful.add(10, upsert(2, 0, 0), 1);
        stateful.add(11, upsert(2, 0, 0), 1);
        stateful.add(12, upsert(1, 9, 0), 1);

        assertThat(stateful.take(10, 1 << 20).orElseThrow().changes()).hasSize(2);
        assertThatThrownBy(() -> stateful.add(13, upsert(3, 0, 0), 1))
                .isInstanceOf(IllegalStateException.class);
    }

    @Test
    void batchEndsAtItsRowsItsBytesAndBeforeATruncate() {
        partition.add(10, upsert(2, 6, 0), 100);
        partition.add(11, upsert(2, 7, 0), 100);
        partition.add(12, upsert(2, 8, 0), 100);
        partition.add(13, truncate(9), 1);

        assertThat(take(1).to().nextOffset()).isEqualTo(11);
        assertThat(partition.take(10, 50).orElseThrow().to().nextOffset()).isEqualTo(12);
        assertThat(partition.truncate()).isEmpty();
        partition.applied(at(12, 7, 0, 0), NOW);
        assertThat(take(10).to().nextOffset()).isEqualTo(13);
        assertThat(partition.take(10, 50)).isEmpty();
        assertThat(partition.truncate()).isPresent();
        partition.applied(at(13, 8, 0, 3), NOW);
        assertThat(partition.afterTruncate()).isEqualTo(at(14, 9, 0, 3));

        partition.truncated(at(14, 9, 0, 3), NOW);
        assertThat(partition.truncate()).isEmpty();
        assertThat(partition.size()).isZero();
        assertThat(partition.stored()).isEqualTo(at(14, 9, 0, 3));
    }

    @Test
    void batchEndsWhereTheSchemaOfATableChanges() {
        RowSchema wider = ApplierScenario.rowSchema("item", "id", "name", "more");
        partition.add(10, upsert(2, 6, 0), 1);
        partition.add(
                11, new TargetChange.Upsert(new Token(2, 7, 0), Row.of(wider, "1", "x", "y")), 1);

        assertThat(take(10).to().nextOffset()).isEqualTo(11);
        partition.applied(at(11, 6, 0, 0), NOW);
        assertThat(take(10).to().nextOffset()).isEqualTo(12);
    }

    @Test
    void watermarkNeverGoesBack() {
        partition.applied(START, NOW);
        partition.add(10, watermark(6, 50), 1);
        partition.add(11, watermark(7, 40), 1);

        assertThat(partition.isDue(NOW, IDLE_MOVE)).isFalse();
        assertThat(take(10).to().watermark().number()).isEqualTo(50);
    }

    @Test
    void watermarkAloneWaitsUntilTheStoredOffsetIsIdle() {
        partition.applied(START, NOW);
        partition.add(10, watermark(6, 50), 1);

        assertThat(partition.isDue(NOW.plusMillis(99), IDLE_MOVE)).isFalse();
        assertThat(partition.isDue(NOW.plusMillis(100), IDLE_MOVE)).isTrue();
    }

    @Test
    void clockThatWasSetBackDelaysNothing() {
        partition.applied(START, NOW);
        partition.add(10, watermark(6, 50), 1);

        assertThat(partition.isDue(NOW.minusSeconds(3_600), IDLE_MOVE)).isTrue();
    }

    @Test
    void rowsAreDueAtOnce() {
        partition.applied(START, NOW);
        partition.add(10, watermark(6, 50), 1);
        partition.add(11, upsert(2, 7, 0), 1);

        assertThat(partition.isDue(NOW, IDLE_MOVE)).isTrue();
    }

    @Test
    void nothingIsDueWhileATransactionIsInProgress() {
        partition.add(10, watermark(6, 50), 1);
        partition.submitted();

        assertThat(partition.isDue(NOW, IDLE_MOVE)).isFalse();
        partition.returned();
        assertThat(partition.isDue(NOW, IDLE_MOVE)).isTrue();
    }

    @Test
    void stopsAtATruncateOnlyWithoutATransactionInProgress() {
        partition.add(10, truncate(6), 1);

        assertThat(partition.isAtTruncate()).isTrue();
        partition.submitted();
        assertThat(partition.isAtTruncate()).isFalse();
    }
}
