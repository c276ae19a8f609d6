package dev.millrace.console;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.migration.StatusReport.Counts;
import dev.millrace.migration.StatusReport.Lag;
import java.time.Instant;
import java.util.List;
import java.util.OptionalDouble;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class SamplesTest {

    private static final Instant NOON = Instant.parse("2026-01-02T12:00:00Z");

    private final Samples samples = new Samples();

    private void add(double second, long events, @Nullable Long records) {
        samples.add(
                NOON.plusMillis((long) (1_000 * second)),
                Statuses.of(
                        "IN_SYNC",
                        new Counts(events, 0, 0),
                        new Lag(null, records, null, null),
                        List.of(),
                        List.of()));
    }

    private OptionalDouble rate() {
        return samples.rate(Samples.Sample::events);
    }

    private String line() {
        return samples.line(Lag::records, 300, 100);
    }

    @Test
    void oneSampleHasNoRate() {
        assertThat(rate()).isEmpty();
        add(0, 100, null);

        assertThat(rate()).isEmpty();
    }

    @Test
    void theRateIsThatOfTheLastSeconds() {
        add(0, 0, null);
        add(100, 1_000_000, null);
        add(110, 1_000_050, null);

        assertThat(rate()).hasValue(5);
    }

    @Test
    void aCounterThatBeganAgainHasNoRate() {
        add(0, 100, null);
        add(2, 3, null);

        assertThat(rate()).isEmpty();
    }

    @Test
    void severalOpenPagesCountAsOne() {
        add(0, 0, null);
        add(0.3, 1_000, null);
        add(2, 20, null);

        assertThat(rate()).hasValue(10);
    }

    @Test
    void anUnknownValueLeavesAGap() {
        add(0, 0, 50L);
        add(100, 0, null);
        add(200, 0, 100L);
        add(300, 0, 0L);

        assertThat(line()).isEqualTo("M0 50 M200 0 L300 100");
    }

    @Test
    void oldValuesAreForgotten() {
        add(0, 0, 1_000L);
        add(301, 0, 1L);

        assertThat(line()).isEqualTo("M300 0");
    }
}
