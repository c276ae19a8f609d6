package dev.millrace.apply;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.millrace.control.ParkedKeys.State;
import java.time.Duration;

/// A scenario in which watermarks come all the time, as they do while capture runs. Not
/// thread-safe.
final class Watermarked {

    private long number;

    /// @param first the number of the next watermark
    Watermarked(long first) {
        this.number = first - 1;
    }

    /// The number of a further watermark.
    long next() {
        return ++number;
    }

    /// Waits until nothing is held and the last watermark is stored.
    void awaitSettled(ApplierScenario scenario) {
        long first = number + 1;
        await().atMost(ApplierScenario.TIMEOUT)
                .pollInterval(Duration.ofMillis(50))
                .until(
                        () -> {
                            scenario.watermark(next());
                            return scenario.stored().partitions().stream()
                                    .allMatch(offset -> offset.watermark().number() >= first);
                        });
        assertThat(scenario.parked()).noneMatch(key -> key.state() == State.HELD);
    }

    /// Waits until so many keys are held.
    static void awaitHeld(ApplierScenario scenario, int keys) {
        await().atMost(ApplierScenario.TIMEOUT)
                .pollInterval(Duration.ofMillis(20))
                .until(
                        () ->
                                scenario.parked().stream()
                                                .filter(key -> key.state() == State.HELD)
                                                .count()
                                        == keys);
    }
}
