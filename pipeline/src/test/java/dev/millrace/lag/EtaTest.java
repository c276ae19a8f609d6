package dev.millrace.lag;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.time.Instant;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// Rates and times are given, so each estimate has one right value.
class EtaTest {

    private static final Instant START = Instant.parse("2026-01-01T00:00:00Z");

    private final Eta eta = new Eta();

    /// The work comes in steps, as rows come in ranges, and the rate varies from second to second.
    @ParameterizedTest
    @CsvSource({
        "1000000, 2000, 1, 0",
        "1000000, 2000, 4000, 0",
        "1000000, 2000, 1, 0.5",
        "50000000, 90000, 30000, 0.4",
        "3000, 10, 25, 0.3"
    })
    void isWithinAFifthInSteadyState(long rows, double perSecond, long step, double variation) {
        Random random = new Random(7);
        double done = 0;
        for (int half = 0; half < 2 * 3_600 && done < rows; half++) {
            Instant now = at(half / 2.0);
            eta.sample(now, Math.max(0, rows - Math.floor(done / step) * step));
            double left = (rows - done) / perSecond;
            if (half >= 60 && left > 30) {
                assertThat(seconds(now))
                        .as("after %d samples", half)
                        .isBetween(0.8 * left, 1.2 * left);
            }
            done += perSecond / 2 * (1 + variation * (2 * random.nextDouble() - 1));
        }
        assertThat(done).isGreaterThanOrEqualTo(rows);
    }

    @Test
    void followsAChangeOfTheRateWithinTheWindow() {
        double left = 1_000_000;
        for (int second = 0; second < 120; second++) {
            left -= second < 60 ? 5_000 : 500;
            eta.sample(at(second), left);
        }

        assertThat(seconds(at(119))).isBetween(0.8 * left / 500, 1.2 * left / 500);
    }

    @Test
    void countsDownBetweenTwoSamples() {
        for (int second = 0; second <= 20; second++) {
            eta.sample(at(second), 1_000 - 10 * second);
        }

        assertThat(seconds(at(25))).isBetween(74.9, 75.1);
    }

    @Test
    void isUnknownWithoutAHistory() {
        assertThat(eta.remaining(at(0))).isEmpty();

        eta.sample(at(0), 100);
        eta.sample(at(4), 90);

        assertThat(eta.remaining(at(4))).isEmpty();
    }

    @Test
    void isUnknownWhileTheWorkDoesNotBecomeLess() {
        for (int second = 0; second <= 20; second++) {
            eta.sample(at(second), 100 + second);
        }

        assertThat(eta.remaining(at(20))).isEmpty();
    }

    @Test
    void isUnknownAfterASilenceAndAfterAnInterruption() {
        for (int second = 0; second <= 20; second++) {
            eta.sample(at(second), 1_000 - second);
        }

        assertThat(eta.remaining(at(31))).isEmpty();
        eta.reset();
        assertThat(eta.remaining(at(21))).isEmpty();
    }

    @Test
    void isZeroWhenNothingRemains() {
        eta.sample(at(0), 0);

        assertThat(eta.remaining(at(1))).contains(Duration.ZERO);
    }

    /// The source writes 200 changes a second of 100 bytes each; capture reads 5,000 a second,
    /// apply writes 2,000 a second. The log grows at first, and the target comes closer all the
    /// time.
    @Test
    void theCatchUpCountsTheWalThatIsNotCaptured() {
        CatchUpEta catchUp = new CatchUpEta();
        double produced = 500_000;
        double captured = 0;
        double applied = 0;
        for (int second = 0; applied < produced - 40_000; second++) {
            Instant now = at(second);
            catchUp.sample(
                    now,
                    Math.round(captured - applied),
                    Math.round(100 * (produced - captured)),
                    Math.round(captured),
                    Math.round(100 * captured));
            double left = (produced - applied) / 1_800;
            if (second >= 30) {
                assertThat(catchUp.remaining(now).orElseThrow().toMillis() / 1e3)
                        .as("after %d s", second)
                        .isBetween(0.8 * left, 1.2 * left);
            }
            produced += 200;
            captured = Math.min(produced, captured + 5_000);
            applied = Math.min(captured, applied + 2_000);
        }
    }

    /// Inside a large transaction, capture has no boundary to tell.
    @Test
    void theCatchUpIsUnknownWhileTheWalToCaptureHasNoMeasure() {
        CatchUpEta catchUp = new CatchUpEta();
        for (int second = 0; second < 20; second++) {
            catchUp.sample(at(second), 1_000 - second, 10_000_000, 5_000 + second, 77);
        }

        assertThat(catchUp.remaining(at(19))).isEmpty();
    }

    private double seconds(Instant now) {
        return eta.remaining(now).orElseThrow().toMillis() / 1_000.0;
    }

    private static Instant at(double seconds) {
        return START.plusMillis(Math.round(1_000 * seconds));
    }
}
