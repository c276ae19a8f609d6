package dev.millrace.faults;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.testing.Waits;
import java.time.Duration;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// A heap that is too small ends the process with an exit code, or is enough: the service never
/// stays alive without working. A restart with a larger heap continues.
@Tag("faults")
class SmallHeapIT {

    private static final int ROWS = 200_000;

    @ParameterizedTest
    @ValueSource(ints = {32, 64, 96})
    void aSmallHeapEndsTheServiceOrIsEnough(int megabytes) throws Exception {
        try (ItemScene scene = new ItemScene(ROWS)) {
            ServiceProcess small = scene.startService("-Xmx" + megabytes + "m");
            Awaitility.await()
                    .atMost(Waits.LIMIT)
                    .pollInterval(Duration.ofMillis(200))
                    .until(() -> !small.isAlive() || small.phase().equals("IN_SYNC"));
            if (!small.isAlive()) {
                assertThat(small.awaitEnd(Duration.ZERO).orElseThrow())
                        .as(small.said())
                        .isNotZero();
            }
            small.kill();
            ItemScene.execute(scene.source, "UPDATE item SET n = 1 WHERE id % 10 = 0");

            scene.startService();
            scene.requireEqual();
        }
    }
}
