package dev.millrace.reconcile.pass;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.api.Test;

class ChunkPaceTest {

    private static final long PLANNED = 100_000;

    private final ChunkPace pace = pace(Duration.ofMillis(500));

    private static ChunkPace pace(Duration wanted) {
        ChunkPace pace = new ChunkPace(wanted);
        pace.plan(PLANNED);
        return pace;
    }

    @Test
    void readsThePlannedChunksUntilAReadWasMeasured() {
        assertThat(pace.together()).isEqualTo(1);
        assertThat(pace.part(PLANNED)).isEqualTo(PLANNED);
    }

    @Test
    void readsTwiceAsManyTogetherAsTheLastTimeUntilAReadIsLongEnough() {
        pace.measured(PLANNED, Duration.ofMillis(100));

        assertThat(pace.together()).isEqualTo(2);
        assertThat(pace.together()).isEqualTo(4);
        assertThat(pace.together()).as("0.5 s").isEqualTo(5);
        assertThat(pace.part(5 * PLANNED)).isEqualTo(5 * PLANNED);
    }

    @Test
    void dividesARangeThatWouldTakeTooLong() {
        pace.measured(PLANNED, Duration.ofSeconds(5));

        assertThat(pace.together()).isEqualTo(1);
        assertThat(pace.part(PLANNED)).as("0.5 s").isEqualTo(10_000);
        assertThat(pace.part(15_000)).as("less than twice as long").isEqualTo(15_000);
    }

    @Test
    void followsTheLastReads() {
        pace.measured(PLANNED, Duration.ofSeconds(5));
        pace.measured(10_000, Duration.ofMillis(10));
        pace.measured(10_000, Duration.ofMillis(10));
        pace.measured(10_000, Duration.ofMillis(10));
        pace.measured(10_000, Duration.ofMillis(10));

        assertThat(pace.part(PLANNED)).isGreaterThan(90_000);
    }

    @Test
    void readsAThousandRowsHoweverSlowTheServerIs() {
        pace.measured(1, Duration.ofMinutes(1));

        assertThat(pace.part(PLANNED)).isEqualTo(1_000);
        assertThat(pace.part(999)).isEqualTo(999);
    }

    @Test
    void withoutStatisticsEachPlannedChunkIsReadAlone() {
        ChunkPace unknown = new ChunkPace(Duration.ofMillis(500));
        unknown.plan(0);
        unknown.measured(200_000, Duration.ofMillis(10));

        assertThat(unknown.together()).isEqualTo(1);
    }

    /// A read has a fixed cost.
    @Test
    void anEmptyRangeDoesNotDivideTheOthers() {
        pace.measured(0, Duration.ofMillis(2));

        assertThat(pace.part(PLANNED)).isEqualTo(PLANNED);
    }

    @Test
    void keepsThePlanWithoutAWantedTime() {
        ChunkPace fixed = pace(Duration.ZERO);
        fixed.measured(PLANNED, Duration.ofMillis(1));
        assertThat(fixed.together()).isEqualTo(1);
        fixed.measured(PLANNED, Duration.ofMinutes(1));
        assertThat(fixed.part(PLANNED)).isEqualTo(PLANNED);
    }
}
