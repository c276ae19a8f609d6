package dev.millrace.capture;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.capture.HangingTransaction.End;
import dev.millrace.capture.position.SourcePosition;
import dev.millrace.change.Lsn;
import dev.millrace.kafka.LogReader.Range;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;

/// Partition 0 is committed up to 10, partition 1 up to 20; the hanging position covers 13 and 24.
class HangingTransactionTest {

    private static final Optional<SourcePosition> COMMITTED = Optional.of(position(10L, 20L));
    private static final SourcePosition LAST = position(13L, 24L);
    private static final Range FIRST = new Range(10, 13);
    private static final Range SECOND = new Range(20, 24);

    @Test
    void besidesACommittedPositionWhatItCoversIsCommitted() {
        assertThat(
                        HangingTransaction.besides(
                                Map.of(0, new Range(7, 10), 1, new Range(16, 20)),
                                false,
                                COMMITTED))
                .isEqualTo(new End(Set.of(0, 1), Set.of(), false, COMMITTED));
    }

    @Test
    void besidesACommittedPositionWhatLiesBehindIsAborted() {
        assertThat(HangingTransaction.besides(Map.of(0, FIRST, 1, SECOND), false, COMMITTED))
                .isEqualTo(new End(Set.of(), Set.of(0, 1), false, COMMITTED));
    }

    @Test
    void besidesACommittedPositionEachPartitionIsJudgedByItself() {
        assertThat(
                        HangingTransaction.besides(
                                Map.of(0, new Range(7, 10), 1, SECOND), false, COMMITTED))
                .isEqualTo(new End(Set.of(0), Set.of(1), false, COMMITTED));
    }

    @Test
    void besidesACommittedPositionFactsWithoutOneAreAborted() {
        assertThat(HangingTransaction.besides(Map.of(), true, COMMITTED))
                .isEqualTo(new End(Set.of(), Set.of(), true, COMMITTED));
    }

    @Test
    void besidesACommittedPositionRecordsAcrossItsEndAreMixed() {
        assertThat(HangingTransaction.besides(Map.of(0, new Range(9, 11)), false, COMMITTED))
                .isEqualTo(HangingTransaction.MIXED);
    }

    @Test
    void inALogWithoutAPositionEverythingOpenIsAborted() {
        assertThat(HangingTransaction.besides(Map.of(0, new Range(0, 3)), false, Optional.empty()))
                .isEqualTo(new End(Set.of(), Set.of(0), false, Optional.empty()));
    }

    @Test
    void aPositionThatKnowsNoEndOfAPartitionCoversNothingOfIt() {
        assertThat(
                        HangingTransaction.besides(
                                Map.of(1, new Range(0, 3)), false, Optional.of(position(10L))))
                .isEqualTo(new End(Set.of(), Set.of(1), false, Optional.of(position(10L))));
    }

    @Test
    void withAPositionAndNoMarkerAnywhereItIsCommitted() {
        assertThat(with(Map.of(0, FIRST, 1, SECOND), Set.of(), Set.of()))
                .isEqualTo(new End(Set.of(0, 1), Set.of(), false, Optional.of(LAST)));
    }

    @Test
    void withAPositionOneMarkerThatCommitsDecides() {
        assertThat(with(Map.of(1, SECOND), Set.of(0), Set.of(0)))
                .isEqualTo(new End(Set.of(1), Set.of(), false, Optional.of(LAST)));
    }

    @Test
    void withAPositionOneMarkerThatAbortsDecides() {
        assertThat(with(Map.of(1, SECOND), Set.of(0), Set.of()))
                .isEqualTo(new End(Set.of(), Set.of(1), true, COMMITTED));
    }

    @Test
    void withAPositionMarkersOfBothKindsAreMixed() {
        assertThat(with(Map.of(), Set.of(0, 1), Set.of(0))).isEqualTo(HangingTransaction.MIXED);
    }

    @Test
    void withAPositionRecordsBehindWhatItCoversAreMixed() {
        assertThat(with(Map.of(0, new Range(10, 14)), Set.of(), Set.of()))
                .isEqualTo(HangingTransaction.MIXED);
        assertThat(with(Map.of(0, new Range(10, 14)), Set.of(1), Set.of()))
                .isEqualTo(HangingTransaction.MIXED);
    }

    @Test
    void recordsThatACommittedPositionCoversAreNotAbortedWithALaterOne() {
        assertThat(with(Map.of(0, new Range(8, 13)), Set.of(1), Set.of()))
                .isEqualTo(HangingTransaction.MIXED);
        assertThat(with(Map.of(0, new Range(8, 13)), Set.of(1), Set.of(1)))
                .as("both transactions were committed")
                .isEqualTo(new End(Set.of(0), Set.of(), false, Optional.of(LAST)));
    }

    private static HangingTransaction with(
            Map<Integer, Range> open, Set<Integer> ended, Set<Integer> shown) {
        return HangingTransaction.with(open, ended, shown, COMMITTED, LAST);
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
                new SourcePosition.Logged(-1, List.of(), List.of(ends), Set.of()));
    }
}
