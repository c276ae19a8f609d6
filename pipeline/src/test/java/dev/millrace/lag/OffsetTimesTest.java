package dev.millrace.lag;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.time.Instant;
import org.junit.jupiter.api.Test;

class OffsetTimesTest {

    private static final Instant START = Instant.parse("2026-01-01T00:00:00Z");

    private final OffsetTimes times = new OffsetTimes();

    @Test
    void knowsWhenARecordWasWrittenByTheEndsBeforeIt() {
        times.ends(10, at(0));
        times.ends(10, at(5));
        times.ends(14, at(6));
        times.ends(20, at(7));

        assertThat(times.writtenAfter(10)).contains(at(5));
        assertThat(times.writtenAfter(13)).contains(at(5));
        assertThat(times.writtenAfter(14)).contains(at(6));
    }

    @Test
    void asksARecordThatIsOlderThanEveryObservation() {
        times.ends(10, at(0));

        assertThat(times.writtenAfter(3)).isEmpty();
        assertThat(times.isUnread(3)).isTrue();
        assertThat(times.isUnread(10)).isFalse();

        times.written(3, at(-600));

        assertThat(times.isUnread(3)).isFalse();
        assertThat(times.isUnread(4)).isTrue();
        assertThat(times.writtenAfter(3)).contains(at(-600));
        assertThat(times.writtenAfter(9)).as("at most this old").contains(at(-600));
        assertThat(times.writtenAfter(2)).isEmpty();
    }

    /// A reader that is dead for days: the points become fewer, and its lag does not shrink.
    @Test
    void staysBoundedAndNeverMakesARecordYounger() {
        for (int second = 0; second < 20_000; second++) {
            times.ends(10 + 2L * second, at(second));
        }

        assertThat(times.writtenAfter(10)).contains(at(0));
        for (int second = 1; second < 20_000; second += 997) {
            assertThat(times.writtenAfter(10 + 2L * second).orElseThrow())
                    .isBeforeOrEqualTo(at(second))
                    .isAfter(at(second - 1_000));
        }
    }

    @Test
    void keepsTheObservationBeforeTheReader() {
        times.ends(10, at(0));
        times.ends(20, at(1));
        times.ends(30, at(2));

        times.forgetBefore(25);

        assertThat(times.writtenAfter(25)).contains(at(1));
    }

    private static Instant at(int seconds) {
        return START.plus(Duration.ofSeconds(seconds));
    }
}
