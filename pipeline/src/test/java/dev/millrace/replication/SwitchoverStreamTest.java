package dev.millrace.replication;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// How often the verdict is prepared while the application writes.
class SwitchoverStreamTest {

    @ParameterizedTest
    @CsvSource({
        "PT1S, PT30M, false",
        "PT1.001S, PT30M, true",
        "PT27S, PT30M, true",
        "PT13.499S, PT27S, true",
        "PT13.5S, PT27S, false",
        "PT40S, PT27S, false"
    })
    void repeatsThePreparationWhileItGetsMuchShorter(
            Duration took, Duration before, boolean again) {
        assertThat(SwitchoverStream.isWorthARound(took, before)).isEqualTo(again);
    }
}
