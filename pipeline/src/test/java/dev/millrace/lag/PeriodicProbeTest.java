package dev.millrace.lag;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.millrace.lifecycle.ComponentState;
import java.sql.SQLException;
import java.time.Duration;
import java.time.InstantSource;
import org.junit.jupiter.api.Test;

class PeriodicProbeTest {

    @Test
    void showsTheMessageOfAServerThatRefuses() throws Exception {
        assertThat(reason(new SQLException("FATAL: the database system is starting up", "57P03")))
                .isEqualTo("FATAL: the database system is starting up (SQLSTATE 57P03)");
    }

    @Test
    void omitsTheMessageOfAnUnexpectedFailure() throws Exception {
        assertThat(reason(new NumberFormatException("For input string: 4711-somebody")))
                .startsWith("unexpected NumberFormatException in ")
                .doesNotContain("somebody");
    }

    private static String reason(Exception failure) throws InterruptedException {
        try (PeriodicProbe probe =
                PeriodicProbe.start(
                        "probe-test",
                        Duration.ofMillis(10),
                        InstantSource.system(),
                        () -> {
                            throw failure;
                        },
                        () -> {})) {
            await().until(() -> probe.state() instanceof ComponentState.Waiting);
            return ((ComponentState.Waiting) probe.state()).reason();
        }
    }
}
