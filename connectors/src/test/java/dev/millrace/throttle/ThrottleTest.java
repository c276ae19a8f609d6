package dev.millrace.throttle;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.millrace.throttle.Throttle.Limit;
import java.time.Duration;
import java.time.Instant;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;

/// The speed of work by a clock that only the test advances.
class ThrottleTest {

    private static final Duration STEP = Duration.ofMillis(100);

    private Instant now = Instant.parse("2026-03-01T10:00:00Z");
    private final Throttle throttle = new Throttle(() -> now);

    /// One worker whose steps take 100 ms and have 10 rows of 100 bytes.
    private long stepsIn(Duration length) {
        Instant end = now.plus(length);
        long steps = 0;
        while (now.isBefore(end)) {
            if (throttle.pause().isZero()) {
                now = now.plus(STEP);
                throttle.done(10, 1_000, STEP, 1);
                steps++;
            } else {
                now = now.plus(throttle.pause());
            }
        }
        return steps;
    }

    @Test
    void withoutALimitEveryStepFollowsTheOneBefore() {
        assertThat(stepsIn(Duration.ofSeconds(10))).isEqualTo(100);
        assertThat(throttle.rate()).isEqualTo(new Throttle.Rate(102, 10_200));
        assertThat(throttle.rowsPerStep(4)).isEqualTo(Long.MAX_VALUE);
    }

    @Test
    void rowsAndBytesAreLimitedEach() {
        throttle.limit(Limit.ofRows(20));
        assertThat(stepsIn(Duration.ofSeconds(10))).isBetween(16L, 20L);
        assertThat(throttle.rowsPerStep(4)).isEqualTo(5);

        throttle.limit(Limit.ofBytes(2_000));
        assertThat(stepsIn(Duration.ofSeconds(10))).isBetween(16L, 20L);
        assertThat(throttle.bytesPerStep(4)).isEqualTo(500);

        throttle.limit(new Limit(OptionalLong.of(10), OptionalLong.of(1_000_000)));
        assertThat(stepsIn(Duration.ofSeconds(10))).isBetween(8L, 10L);
    }

    @Test
    void aShareOfTheTimeIsWorkAndTheRestIsPause() {
        throttle.slow(0.25);
        assertThat(stepsIn(Duration.ofSeconds(10))).isBetween(24L, 26L);

        throttle.slow(1);
        assertThat(stepsIn(Duration.ofSeconds(1))).isEqualTo(10);
    }

    /// The lock that a step waited for may be gone.
    @Test
    void aLongStepIsNotFollowedByALongerPause() {
        throttle.slow(1.0 / 16);
        throttle.done(1, 1, Duration.ofMinutes(1), 1);

        assertThat(throttle.pause()).isEqualTo(Duration.ofSeconds(5));
        throttle.slow(0.5);
        assertThat(throttle.pause()).isZero();
    }

    @Test
    void theRateIsThatOfTheLastSeconds() {
        stepsIn(Duration.ofSeconds(5));
        assertThat(throttle.rate().rows()).isBetween(98.0, 102.0);

        now = now.plusSeconds(10);
        assertThat(throttle.rate()).isEqualTo(new Throttle.Rate(0, 0));
    }

    /// Each hold and release of a stop condition sets the same limit again.
    @Test
    void theSameLimitAgainEndsNoPause() {
        throttle.limit(Limit.ofRows(10));
        throttle.done(10, 1_000, STEP, 1);

        throttle.limit(Limit.ofRows(10));

        assertThat(throttle.pause()).isEqualTo(Duration.ofSeconds(1));
    }

    @Test
    void refusesWhatIsNoLimit() {
        assertThatThrownBy(() -> Limit.ofRows(0)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> Limit.ofBytes(-1)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> throttle.slow(0)).isInstanceOf(IllegalArgumentException.class);
    }
}
