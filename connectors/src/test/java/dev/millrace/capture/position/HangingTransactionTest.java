package dev.millrace.capture.position;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.capture.position.HangingTransaction.End;
import dev.millrace.change.Lsn;
import dev.millrace.kafka.TopicReader.OffsetRange;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;

/// Partition 0 is committed up to offset 10, partition 1 up to 20. The hanging position covers 13
/// and 24.
class HangingTransactionTest {

    private static final Optional<SourcePosition> COMMITTED = Optional.of(position(10L, 20L));
    private static final SourcePosition LAST = position(13L, 24L);
    private static final OffsetRange FIRST = new OffsetRange(10, 13);
    private static final OffsetRange SECOND = new OffsetRange(20, 24);

    @Test
    void committedPositionCommitsCoveredRecords() {
        assertThat(
                        HangingTransaction.withCommittedPosition(
                                Map.of(0, new OffsetRange(7, 10), 1, new OffsetRange(16, 20)),
                                false,
                                COMMITTED))
                .isEqualTo(new End(Set.of(0, 1), Set.of(), false, COMMITTED));
    }

    @Test
    void committedPositionAbortsLaterRecords() {
        assertThat(
                        HangingTransaction.withCommittedPosition(
                                Map.of(0, FIRST, 1, SECOND), false, COMMITTED))
                .isEqualTo(new End(Set.of(), Set.of(0, 1), false, COMMITTED));
    }

    @Test
    void committedPositionDecidesPerPartition() {
        assertThat(
                        HangingTransaction.withCommittedPosition(
                                Map.of(0, new OffsetRange(7, 10), 1, SECOND), false, COMMITTED))
                .isEqualTo(new End(Set.of(0), Set.of(1), false, COMMITTED));
    }

    @Test
    void committedPositionAbortsOpenTableFacts() {
        assertThat(HangingTransaction.withCommittedPosition(Map.of(), true, COMMITTED))
                .isEqualTo(new End(Set.of(), Set.of(), true, COMMITTED));
    }

    @Test
    void committedPositionInsideOpenRecordsIsAmbiguous() {
        assertThat(
                        HangingTransaction.withCommittedPosition(
                                Map.of(0, new OffsetRange(9, 11)), false, COMMITTED))
                .isEqualTo(HangingTransaction.AMBIGUOUS);
    }

    @Test
    void abortsEverythingWithoutPosition() {
        assertThat(
                        HangingTransaction.withCommittedPosition(
                                Map.of(0, new OffsetRange(0, 3)), false, Optional.empty()))
                .isEqualTo(new End(Set.of(), Set.of(0), false, Optional.empty()));
    }

    @Test
    void positionWithoutPartitionEndCoversNothing() {
        assertThat(
                        HangingTransaction.withCommittedPosition(
                                Map.of(1, new OffsetRange(0, 3)),
                                false,
                                Optional.of(position(10L))))
                .isEqualTo(new End(Set.of(), Set.of(1), false, Optional.of(position(10L))));
    }

    @Test
    void openPositionWithoutMarkersIsCommitted() {
        assertThat(with(Map.of(0, FIRST, 1, SECOND), Set.of(), Set.of()))
                .isEqualTo(new End(Set.of(0, 1), Set.of(), false, Optional.of(LAST)));
    }

    @Test
    void openPositionFollowsCommitMarker() {
        assertThat(with(Map.of(1, SECOND), Set.of(0), Set.of(0)))
                .isEqualTo(new End(Set.of(1), Set.of(), false, Optional.of(LAST)));
    }

    @Test
    void openPositionFollowsAbortMarker() {
        assertThat(with(Map.of(1, SECOND), Set.of(0), Set.of()))
                .isEqualTo(new End(Set.of(), Set.of(1), true, COMMITTED));
    }

    @Test
    void openPositionWithBothMarkersIsAmbiguous() {
        assertThat(with(Map.of(), Set.of(0, 1), Set.of(0))).isEqualTo(HangingTransaction.AMBIGUOUS);
    }

    @Test
    void recordsAfterOpenPositionAreAmbiguous() {
        assertThat(with(Map.of(0, new OffsetRange(10, 14)), Set.of(), Set.of()))
                .isEqualTo(HangingTransaction.AMBIGUOUS);
        assertThat(with(Map.of(0, new OffsetRange(10, 14)), Set.of(1), Set.of()))
                .isEqualTo(HangingTransaction.AMBIGUOUS);
    }

    @Test
    void committedRecordsAreNotAbortedWithLaterPosition() {
        assertThat(with(Map.of(0, new OffsetRange(8, 13)), Set.of(1), Set.of()))
                .isEqualTo(HangingTransaction.AMBIGUOUS);
        assertThat(with(Map.of(0, new OffsetRange(8, 13)), Set.of(1), Set.of(1)))
                .as("both transactions were committed")
                .isEqualTo(new End(Set.of(0), Set.of(), false, Optional.of(LAST)));
    }

    private static HangingTransaction with(
            Map<Integer, OffsetRange> open, Set<Integer> ended, Set<Integer> shown) {
        return HangingTransaction.withOpenPosition(open, ended, shown, COMMITTED, LAST);
    }

    private static SourcePosition position(Long... ends) {
        return new SourcePosition(
                1,
                true,
                Lsn.parse("0/2000"),
                0,
                0,
                0,
                0,
                Map.of(),
                "",
                new SourcePosition.Logged(-1, List.of(), List.of(ends), List.of(), Set.of()));
    }
}
