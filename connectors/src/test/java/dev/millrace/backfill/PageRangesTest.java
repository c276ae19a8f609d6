package dev.millrace.backfill;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class PageRangesTest {

    private static final long BYTES = 8 << 20;
    private static final long ROWS = Long.MAX_VALUE;

    private static TidRange.Union all() {
        return TidRange.Union.NONE.missing();
    }

    private static TidRange pages(long from, long to) {
        return new TidRange(TidRange.page(from), TidRange.page(to));
    }

    @Test
    void anEmptyTableIsOneOpenEndedRange() {
        PageRanges ranges = new PageRanges(all(), 0);

        assertThat(ranges.take(BYTES, ROWS)).contains(TidRange.ALL);
        assertThat(ranges.hasNext()).isFalse();
        assertThat(ranges.isBusy()).isTrue();
        ranges.written(TidRange.ALL, TidRange.ALL);
        assertThat(ranges.hasNext()).isFalse();
        assertThat(ranges.isBusy()).isFalse();
    }

    /// Sequence "Rows inserted after the plan was made lie beyond its last page".
    @Test
    void theLastRangeHasNoUpperBound() {
        PageRanges ranges = new PageRanges(all(), 300);
        List<TidRange> taken = new ArrayList<>();
        while (ranges.hasNext()) {
            taken.add(ranges.take(BYTES, ROWS).orElseThrow());
        }

        assertThat(taken)
                .containsExactly(
                        pages(0, 128),
                        pages(128, 256),
                        new TidRange(TidRange.page(256), TidRange.END));
    }

    @Test
    void rangesAdaptToTheBytesOfAPage() {
        PageRanges ranges = new PageRanges(all(), 1_000_000);
        TidRange first = ranges.take(BYTES, ROWS).orElseThrow();
        ranges.learn(first, 10_000, 128 * 16_384);
        assertThat(ranges.take(BYTES, ROWS)).contains(pages(128, 128 + 512));
        ranges.learn(pages(0, 1), 1, 150 << 20);
        assertThat(ranges.take(BYTES, ROWS)).contains(pages(640, 641));
        ranges.learn(pages(0, 100), 0, 0);
        assertThat(ranges.take(BYTES, ROWS)).contains(pages(641, 642));
        for (int i = 0; i < 30; i++) {
            ranges.learn(pages(0, 100), 0, 0);
        }
        assertThat(ranges.take(BYTES, ROWS)).contains(pages(642, 642 + 1024));
    }

    @Test
    void aThrottledReadTakesFewRows() {
        PageRanges ranges = new PageRanges(all(), 1_000_000);
        assertThat(ranges.take(BYTES, 100)).contains(pages(0, 1));
        ranges.learn(pages(0, 1), 50, 8_192);
        assertThat(ranges.take(BYTES, 100)).contains(pages(1, 3));
        assertThat(ranges.take(BYTES, 1)).contains(pages(3, 4));
    }

    /// Sequence "A range may end at any ctid".
    @Test
    void theRestOfARangeIsReadNext() {
        PageRanges ranges = new PageRanges(all(), 10);
        TidRange whole = ranges.take(BYTES, ROWS).orElseThrow();
        TidRange done = new TidRange(0, TidRange.tid(3, 5));
        ranges.learn(done, 3, BYTES);
        ranges.written(whole, done);

        assertThat(ranges.take(BYTES, ROWS))
                .contains(new TidRange(TidRange.tid(3, 5), TidRange.page(7)));
        assertThat(ranges.take(BYTES, ROWS)).contains(new TidRange(TidRange.page(7), TidRange.END));
    }

    @Test
    void aRestartTakesOnlyWhatIsMissing() {
        TidRange.Union done = TidRange.Union.NONE.plus(pages(0, 5)).plus(pages(7, 9));
        PageRanges ranges = new PageRanges(done.missing(), 10);

        assertThat(ranges.take(BYTES, ROWS)).contains(pages(5, 7));
        assertThat(ranges.take(BYTES, ROWS)).contains(new TidRange(TidRange.page(9), TidRange.END));
        assertThat(ranges.take(BYTES, ROWS)).isEmpty();
    }

    /// Whatever fails and however far each read comes, the written parts cover everything once.
    @Test
    void everyPositionIsWrittenExactlyOnce() {
        Random random = new Random(11);
        for (int round = 0; round < 300; round++) {
            PageRanges ranges = new PageRanges(all(), random.nextInt(2_000));
            List<TidRange> taken = new ArrayList<>();
            List<TidRange> written = new ArrayList<>();
            while (ranges.hasNext() || ranges.isBusy()) {
                ranges.take(BYTES, 1 + random.nextInt(100_000)).ifPresent(taken::add);
                if (!taken.isEmpty() && random.nextBoolean()) {
                    TidRange range = taken.remove(random.nextInt(taken.size()));
                    if (random.nextInt(4) == 0) {
                        ranges.giveBack(range);
                    } else {
                        long to = Math.min(range.to(), range.from() + TidRange.page(300) + 7);
                        TidRange done =
                                new TidRange(range.from(), random.nextBoolean() ? range.to() : to);
                        ranges.learn(done, random.nextInt(9_000), random.nextInt(1 << 23));
                        ranges.written(range, done);
                        written.add(done);
                    }
                }
            }
            TidRange.Union union = TidRange.Union.NONE;
            for (TidRange each : written) {
                for (TidRange other : union.ranges()) {
                    assertThat(each.from() >= other.to() || each.to() <= other.from()).isTrue();
                }
                union = union.plus(each);
            }
            assertThat(union.isEverything()).isTrue();
        }
    }
}
