package dev.millrace.apply;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.millrace.apply.ApplierSettings.Limits;
import dev.millrace.apply.task.TargetTask.PartitionBatch;
import dev.millrace.change.Row;
import dev.millrace.change.RowSchema;
import dev.millrace.change.TargetBlock;
import dev.millrace.change.TargetChange;
import dev.millrace.change.Token;
import dev.millrace.change.WatermarkNumber;
import dev.millrace.control.StoredOffset;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.Test;

class PartitionProgressTest {

    private static final RowSchema ROW_SCHEMA = ApplierScenario.rowSchema("item", "id", "name");
    private static final RowSchema WIDER = ApplierScenario.rowSchema("item", "id", "name", "more");
    private static final RowSchema OTHER = ApplierScenario.rowSchema("stock", "id", "name");
    private static final Duration IDLE_MOVE = Duration.ofMillis(100);
    private static final Instant NOW = Instant.parse("2026-01-01T00:00:00Z");
    private static final StoredOffset START = at(10, 5, 0, 0);

    private final PartitionProgress partition =
            new PartitionProgress(new TargetTopic("topic", 1, true), START);

    /// @param index of the change in its changes block, which has one block before it per offset
    private static StoredOffset at(long next, long changesOffset, int index, long watermark) {
        return new StoredOffset(
                0,
                "topic",
                next,
                new Token(2, changesOffset, index),
                new WatermarkNumber(2, watermark),
                total(changesOffset, index));
    }

    /// Every changes block of these tests counts ten changes of rows.
    private static long total(long changesOffset, int index) {
        return 10 * changesOffset + index;
    }

    private static TargetChange upsert(int generation, long changesOffset, int index) {
        return upsert(new Token(generation, changesOffset, index), ROW_SCHEMA, "x");
    }

    private static TargetChange upsert(Token token, RowSchema schema, String name) {
        Row.Builder row = new Row.Builder(schema).text(0, "1").text(1, name);
        return new TargetChange.Upsert(token, row.build());
    }

    private static TargetChange watermark(long changesOffset, long number) {
        return new TargetChange.Watermark(
                new Token(2, changesOffset, 0), new WatermarkNumber(2, number));
    }

    private static TargetChange truncate(long changesOffset) {
        return new TargetChange.Truncate(
                new Token(2, changesOffset, 0), List.of(ROW_SCHEMA.table()), 7);
    }

    private static TargetBlock block(TargetChange... changes) {
        return blockUpTo(changes[changes.length - 1].token(), changes);
    }

    private static TargetBlock blockUpTo(Token upTo, TargetChange... changes) {
        return new TargetBlock(upTo, total(upTo.changesOffset(), upTo.index()), List.of(changes));
    }

    private void add(long offset, TargetChange... changes) {
        partition.add(offset, block(changes), 1);
    }

    private PartitionBatch take(int rows) {
        return partition.take(rows, 1 << 20).orElseThrow();
    }

    @Test
    void recordWithAStoredTokenOnlyMovesTheOffset() {
        add(10, upsert(2, 5, 0));
        add(11, upsert(2, 4, 9));

        PartitionBatch batch = take(10);

        assertThat(batch.changes()).isEmpty();
        assertThat(batch.to()).isEqualTo(at(12, 5, 0, 0));
    }

    @Test
    void laterChangeOfTheStoredChangesBlockIsNew() {
        add(10, upsert(2, 5, 1));

        assertThat(take(1).changes()).hasSize(1);
        assertThat(partition.stored()).isEqualTo(START);
    }

    @Test
    void allOutputsOfOneChangeAreInOneBatch() {
        TargetChange stock = upsert(new Token(2, 6, 0), OTHER, "stock");
        add(10, upsert(2, 6, 0), stock, upsert(2, 6, 1));

        PartitionBatch batch = partition.take(1, 1).orElseThrow();

        assertThat(batch.changes()).hasSize(3);
        assertThat(batch.to()).isEqualTo(at(11, 6, 1, 0));
    }

    @Test
    void trimsABlockByTheStoredToken() {
        var continued = new PartitionProgress(new TargetTopic("topic", 1, true), at(10, 6, 1, 0));
        TargetChange next = upsert(2, 6, 2);
        continued.add(10, block(upsert(2, 6, 0), upsert(2, 6, 1), next), 1);

        PartitionBatch batch = continued.take(10, 1 << 20).orElseThrow();

        assertThat(batch.changes()).containsExactly(next);
        assertThat(batch.to()).isEqualTo(at(11, 6, 2, 0));
    }

    @Test
    void trimsABlockThatWasSentAgainWithOtherCuts() {
        add(10, upsert(2, 6, 0), upsert(2, 6, 1));
        add(11, upsert(2, 6, 0));
        TargetChange next = upsert(2, 6, 2);
        add(12, upsert(2, 6, 1), next);

        PartitionBatch batch = take(10);

        assertThat(batch.changes()).hasSize(3).endsWith(next);
        assertThat(batch.to()).isEqualTo(at(13, 6, 2, 0));
    }

    @Test
    void blockInWhichASchemaChangesIsAppliedInParts() {
        TargetChange wider = upsert(new Token(2, 6, 2), WIDER, "x");
        TargetChange narrow = upsert(2, 6, 4);
        TargetBlock block =
                blockUpTo(
                        new Token(2, 6, 5),
                        upsert(2, 6, 0),
                        upsert(new Token(2, 6, 2), OTHER, "with the next"),
                        wider,
                        narrow);
        partition.add(10, block, 1);

        PartitionBatch first = take(10);
        assertThat(first.changes()).hasSize(1);
        assertThat(first.to()).isEqualTo(at(10, 6, 0, 0));
        partition.applied(first.to(), NOW);

        // Another process continues inside the block.
        var continued = new PartitionProgress(new TargetTopic("topic", 1, true), first.to());
        continued.add(10, block, 1);
        PartitionBatch second = continued.take(10, 1 << 20).orElseThrow();
        assertThat(second).isEqualTo(take(10));
        assertThat(second.changes()).hasSize(2).endsWith(wider);
        assertThat(second.to()).isEqualTo(at(10, 6, 2, 0));
        partition.applied(second.to(), NOW);

        PartitionBatch last = take(10);
        assertThat(last.changes()).containsExactly(narrow);
        assertThat(last.to()).isEqualTo(at(11, 6, 5, 0));
    }

    @Test
    void refusesTwoSchemasOfOneTableInOneChange() {
        assertThatThrownBy(() -> add(10, upsert(2, 6, 0), upsert(new Token(2, 6, 0), WIDER, "x")))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("two schemas");
    }

    @Test
    void droppedBlockNeverLowersTheTotal() {
        add(10, upsert(2, 8, 3));
        add(11, upsert(2, 6, 0));
        add(12, upsert(1, 900, 0));

        assertThat(take(10).to()).isEqualTo(at(13, 8, 3, 0));
        assertThat(partition.size()).isZero();
    }

    @Test
    void blockWithoutOutputsMovesTokenAndTotal() {
        partition.add(10, blockUpTo(new Token(2, 6, 4)), 1);
        partition.add(11, blockUpTo(new Token(2, 6, 4)), 1);

        assertThat(take(10).to()).isEqualTo(at(12, 6, 4, 0));
    }

    @Test
    void resetContinuesWithTheTotalOfTheFoundOffset() {
        add(10, upsert(2, 8, 3));
        partition.reset(at(10, 7, 2, 0));
        add(10, upsert(2, 7, 1));

        assertThat(take(10).to()).isEqualTo(at(11, 7, 2, 0));
    }

    @Test
    void dropsARecordThatWasSentAgain() {
        add(10, upsert(2, 6, 0));
        add(11, upsert(2, 7, 0));
        add(12, upsert(2, 6, 0));
        add(13, upsert(2, 7, 0));
        add(14, upsert(2, 8, 0));

        assertThat(take(10).changes()).hasSize(3);
    }

    @Test
    void dropsAnOlderGenerationAndRefusesANewerOne() {
        add(10, upsert(1, 900, 0));

        assertThat(take(1).changes()).isEmpty();
        assertThatThrownBy(() -> add(11, upsert(3, 0, 0)))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("generation 3");
    }

    @Test
    void topicWithoutTokensDropsNothingOfItsGeneration() {
        var stateful = new PartitionProgress(new TargetTopic("topic", 1, false), START);
        stateful.add(10, block(upsert(2, 0, 0)), 1);
        stateful.add(11, block(upsert(2, 0, 0)), 1);
        stateful.add(12, block(upsert(1, 9, 0)), 1);

        assertThat(stateful.take(10, 1 << 20).orElseThrow().changes()).hasSize(2);
        assertThatThrownBy(() -> stateful.add(13, block(upsert(3, 0, 0)), 1))
                .isInstanceOf(IllegalStateException.class);
    }

    @Test
    void batchEndsAtItsRowsItsBytesAndBeforeATruncate() {
        partition.add(10, block(upsert(2, 6, 0)), 100);
        partition.add(11, block(upsert(2, 7, 0)), 100);
        partition.add(12, block(upsert(2, 8, 0)), 100);
        add(13, watermark(9, 3));
        add(14, truncate(10));

        assertThat(take(1).to().nextOffset()).isEqualTo(11);
        assertThat(partition.take(10, 50).orElseThrow().to().nextOffset()).isEqualTo(12);
        assertThat(partition.truncate()).isEmpty();
        partition.applied(at(12, 7, 0, 0), NOW);
        assertThat(take(10).to().nextOffset()).isEqualTo(14);
        assertThat(partition.take(10, 50)).isEmpty();
        assertThat(partition.truncate()).isPresent();
        partition.applied(at(14, 9, 0, 3), NOW);
        assertThat(partition.afterTruncate()).isEqualTo(at(15, 10, 0, 3));

        partition.returned();
        partition.truncated(at(15, 10, 0, 3), NOW);
        assertThat(partition.truncate()).isEmpty();
        assertThat(partition.size()).isZero();
        assertThat(partition.bytes()).isZero();
        assertThat(partition.stored()).isEqualTo(at(15, 10, 0, 3));
    }

    @Test
    void batchEndsWhereTheSchemaOfATableChanges() {
        add(10, upsert(2, 6, 0));
        add(11, upsert(new Token(2, 7, 0), WIDER, "x"));

        assertThat(take(10).to().nextOffset()).isEqualTo(11);
        partition.applied(at(11, 6, 0, 0), NOW);
        assertThat(take(10).to().nextOffset()).isEqualTo(12);
    }

    @Test
    void watermarkNeverGoesBack() {
        partition.applied(START, NOW);
        add(10, watermark(6, 50));
        add(11, watermark(7, 40));

        assertThat(partition.isDue(NOW, IDLE_MOVE)).isFalse();
        assertThat(take(10).to().watermark().number()).isEqualTo(50);
    }

    @Test
    void watermarkAloneWaitsUntilTheStoredOffsetIsIdle() {
        partition.applied(START, NOW);
        add(10, watermark(6, 50));

        assertThat(partition.isDue(NOW.plusMillis(99), IDLE_MOVE)).isFalse();
        assertThat(partition.isDue(NOW.plusMillis(100), IDLE_MOVE)).isTrue();
    }

    @Test
    void clockThatWasSetBackDelaysNothing() {
        partition.applied(START, NOW);
        add(10, watermark(6, 50));

        assertThat(partition.isDue(NOW.minusSeconds(3_600), IDLE_MOVE)).isTrue();
    }

    @Test
    void rowsAreDueAtOnce() {
        partition.applied(START, NOW);
        add(10, watermark(6, 50));
        add(11, upsert(2, 7, 0));

        assertThat(partition.isDue(NOW, IDLE_MOVE)).isTrue();
    }

    @Test
    void nothingIsDueWhileATransactionIsInProgress() {
        add(10, watermark(6, 50));
        partition.submitted();

        assertThat(partition.isDue(NOW, IDLE_MOVE)).isFalse();
        partition.returned();
        assertThat(partition.isDue(NOW, IDLE_MOVE)).isTrue();
    }

    @Test
    void stopsAtATruncateOnlyWithoutATransactionInProgress() {
        add(10, truncate(6));

        assertThat(partition.isAtTruncate()).isTrue();
        partition.submitted();
        assertThat(partition.isAtTruncate()).isFalse();
    }

    @Test
    void memoryOfABatchIsCountedUntilItReturns() {
        partition.add(10, block(upsert(2, 6, 0), upsert(2, 6, 1)), 1_000);
        long two = partition.bytes();
        assertThat(two).as("two decoded rows").isGreaterThan(1_200);
        partition.add(11, block(upsert(2, 7, 0)), 1_000);
        long all = partition.bytes();

        take(1);
        partition.submitted();
        assertThat(partition.bytes()).isEqualTo(all);
        partition.returned();
        assertThat(partition.bytes()).isEqualTo(all - two);
        partition.reset(START);
        assertThat(partition.bytes()).isZero();
    }

    @Test
    void readsAheadByOneBatchOrUntilAllPartitionsReachTheirLimit() {
        Limits limits =
                new Limits(
                        100,
                        1_000,
                        10_000,
                        1,
                        Duration.ZERO,
                        Duration.ZERO,
                        Duration.ZERO,
                        Duration.ofHours(1),
                        Duration.ofHours(1));
        assertThat(partition.isFull(10_000, limits)).as("it has nothing to apply").isFalse();

        partition.add(10, block(upsert(2, 6, 0)), 1_000);
        assertThat(partition.isFull(9_999, limits)).isFalse();
        assertThat(partition.isFull(10_000, limits)).isTrue();
        take(1);
        partition.submitted();
        assertThat(partition.isFull(9_999, limits)).isFalse();
        assertThat(partition.isFull(10_000, limits)).as("its batch is in progress").isTrue();
        partition.add(11, block(upsert(2, 7, 0)), 1_000);
        assertThat(partition.isFull(0, limits)).as("a batch and the next").isTrue();
    }
}
