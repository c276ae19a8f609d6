package dev.millrace.backfill;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class TidRangeTest {

    @Test
    void theConditionNamesPagesAndLines() {
        assertThat(new TidRange(TidRange.tid(3, 5), TidRange.page(4_294_967_294L)).condition())
                .isEqualTo("ctid >= '(3,5)' AND ctid < '(4294967294,0)'");
        assertThat(TidRange.ALL.condition()).isEqualTo("ctid >= '(0,0)'");
    }

    @Test
    void aUnionOfTouchingRangesIsOneRange() {
        TidRange.Union union =
                TidRange.Union.NONE
                        .plus(new TidRange(10, 20))
                        .plus(new TidRange(30, 40))
                        .plus(new TidRange(20, 30));

        assertThat(union.ranges()).containsExactly(new TidRange(10, 40));
        assertThat(union.isEverything()).isFalse();
        assertThat(union.plus(TidRange.ALL).isEverything()).isTrue();
    }

    /// Compared with a set of numbers.
    @Test
    void aUnionContainsExactlyWhatWasAdded() {
        Random random = new Random(7);
        for (int round = 0; round < 200; round++) {
            BitSet expected = new BitSet();
            TidRange.Union union = TidRange.Union.NONE;
            for (int i = 0; i < 10; i++) {
                int from = random.nextInt(60);
                int to = from + random.nextInt(10);
                expected.set(from, to);
                union = union.plus(new TidRange(from, to));
            }
            assertThat(numbers(union.ranges())).isEqualTo(expected);
            BitSet rest = new BitSet();
            rest.set(0, 80);
            rest.andNot(expected);
            assertThat(numbers(union.missing().ranges())).isEqualTo(rest);
        }
    }

    private static BitSet numbers(List<TidRange> ranges) {
        BitSet numbers = new BitSet();
        ranges.forEach(range -> numbers.set((int) range.from(), (int) Math.min(range.to(), 80)));
        return numbers;
    }

    @Test
    void rangesInAnyOrderGiveTheSameUnion() {
        List<TidRange> ranges = new ArrayList<>();
        for (int i = 0; i < 50; i++) {
            ranges.add(new TidRange(10L * i, 10L * i + 10));
        }
        Collections.shuffle(ranges, new Random(7));
        TidRange.Union union = TidRange.Union.NONE;
        for (TidRange range : ranges) {
            union = union.plus(range);
        }

        assertThat(union.ranges()).containsExactly(new TidRange(0, 500));
    }

    @Test
    void aRangeThatRunsBackwardsIsRefused() {
        assertThatThrownBy(() -> new TidRange(2, 1)).isInstanceOf(IllegalArgumentException.class);
    }
}
