package dev.millrace.cli.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.time.Instant;
import org.junit.jupiter.api.Test;

class RateTest {

    private static final Instant START = Instant.parse("2026-11-21T06:00:00Z");

    @Test
    void isEmptyUntilSteady() {
        Rate rate = new Rate();
        for (int second = 0; second < 5; second++) {
            rate.sample(START.plusSeconds(second), second * 100L);
            assertThat(rate.perSecond()).isEmpty();
        }
        rate.sample(START.plusSeconds(5), 500);
        assertThat(rate.perSecond()).hasValue(100);
    }

    @Test
    void followsAChangeOfRate() {
        Rate rate = new Rate();
        for (int second = 0; second <= 10; second++) {
            rate.sample(START.plusSeconds(second), second * 100L);
        }
        for (int second = 1; second <= 10; second++) {
            rate.sample(START.plusSeconds(10 + second), 1000 + second * 200L);
        }
        assertThat(rate.perSecond().orElseThrow()).isCloseTo(163, within(1.0));
    }

    @Test
    void isEmptyForAnUnsteadyOrZeroRate() {
        Rate jumping = new Rate();
        Rate idle = new Rate();
        long rows = 0;
        for (int second = 0; second <= 30; second++) {
            rows += second % 10 == 0 ? 10_000 : 0;
            jumping.sample(START.plusSeconds(second), rows);
            idle.sample(START.plusSeconds(second), 7);
        }
        assertThat(jumping.perSecond()).isEmpty();
        assertThat(idle.perSecond()).isEmpty();
    }

    @Test
    void restartsWhenTheCountDecreases() {
        Rate rate = new Rate();
        for (int second = 0; second <= 10; second++) {
            rate.sample(START.plusSeconds(second), second * 100L);
        }
        rate.sample(START.plusSeconds(11), 0);
        assertThat(rate.perSecond()).isEmpty();
    }
}
