package dev.millrace.faults;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.testing.Waits;
import java.time.Duration;
import java.util.OptionalInt;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/// The disk of the embedded broker is full. The broker ends the process, as a separate broker
/// process ends. Nothing is skipped, and the service continues when there is space.
@Tag("faults")
class BrokerDiskIT {

    private static final int ROWS = 2_000;
    private static final int DISK_MEGABYTES = 256;
    private static final Duration END_WITHIN = Duration.ofMinutes(2);

    @Test
    void aFullDiskOfTheBrokerEndsTheServiceAndLosesNothing() throws Exception {
        try (SmallDisk disk = SmallDisk.mount(DISK_MEGABYTES);
                ItemScene scene = new ItemScene(ROWS)) {
            scene.keepDataIn(disk.folder().resolve("data"));
            ServiceProcess service = scene.startService();
            service.awaitPhase("IN_SYNC", Waits.LIMIT);

            disk.fill();
            ItemScene.execute(
                    scene.source,
                    "INSERT INTO item SELECT g FROM generate_series(%d, %d) g"
                            .formatted(ROWS + 1, 2 * ROWS),
                    "DELETE FROM item WHERE id % 3 = 0");
            OptionalInt ended = service.awaitEnd(END_WITHIN);
            assertThat(ended).as(service.said()).isPresent();
            assertThat(ended.getAsInt()).isNotZero();

            disk.free();
            scene.startService();
            scene.requireEqual();
        }
    }
}
