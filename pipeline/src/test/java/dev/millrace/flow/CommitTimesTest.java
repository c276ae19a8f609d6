package dev.millrace.flow;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.postgres.load.LoadReader.Reading;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class CommitTimesTest {

    private static final Instant START = Instant.parse("2026-03-01T10:00:00Z");

    private final CommitTimes times = new CommitTimes();

    private void commits(int count, int millis) {
        for (int i = 0; i < count; i++) {
            times.add(Duration.ofMillis(millis), START);
        }
    }

    private Reading after(Duration time) {
        return times.p95(Optional.empty(), START.plus(time), "none");
    }

    @Test
    void oneSlowCommitOfTwentyIsLeftOutTwoAreNot() {
        commits(19, 10);
        commits(1, 900);
        assertThat(after(Duration.ZERO)).isEqualTo(new Reading.Known(0.01));

        commits(1, 900);
        assertThat(after(Duration.ZERO)).isEqualTo(new Reading.Known(0.9));
    }

    @Test
    void withoutACommitOrWithAnOldOneItIsUnknown() {
        assertThat(after(Duration.ZERO)).isEqualTo(new Reading.Unknown("none"));

        commits(1, 10);
        assertThat(after(CommitTimes.TOO_OLD)).isEqualTo(new Reading.Known(0.01));
        assertThat(after(CommitTimes.TOO_OLD.plusMillis(1))).isEqualTo(new Reading.Unknown("none"));
    }

    @Test
    void aCommitThatWaitsCountsWithWhatItHasTaken() {
        commits(1, 400);
        assertThat(times.p95(Optional.of(START), START.plusMillis(300), "none"))
                .isEqualTo(new Reading.Known(0.4));
        assertThat(times.p95(Optional.of(START), START.plusSeconds(60), "none"))
                .isEqualTo(new Reading.Known(60));
    }

    /// The slow ones of a time that has passed release, also while no new commit ends.
    @Test
    void commitsOlderThanTheWindowDoNotCount() {
        commits(20, 900);
        Instant later = START.plus(CommitTimes.WINDOW).plusMillis(1);
        assertThat(times.p95(Optional.of(later), later, "none")).isEqualTo(new Reading.Known(0));

        times.add(Duration.ofMillis(10), later);
        assertThat(times.p95(Optional.empty(), later, "none")).isEqualTo(new Reading.Known(0.01));
    }
}
