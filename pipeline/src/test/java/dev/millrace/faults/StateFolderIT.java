package dev.millrace.faults;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.sandbox.Folders;
import dev.millrace.testing.Waits;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.OptionalInt;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/// The data folder with the log of the embedded broker is lost or damaged while the service is
/// down. The service does not start instead of going on with a gap, says why and what to do, and
/// does not touch the target. Then it reads every row again, also where rows were deleted.
@Tag("faults")
class StateFolderIT {

    private static final int ROWS = 1_000;
    private static final int FLIPPED_EVERY = 64;

    @Test
    void aDeletedFolder() throws Exception {
        try (ItemScene scene = new ItemScene(ROWS)) {
            ServiceProcess service = stopped(scene);
            service.kill();
            Folders.delete(scene.dataFolder());
            change(scene);

            requireRefused(scene);
            heal(scene);
        }
    }

    /// Bytes of every segment of the log are flipped.
    @Test
    void aDamagedLog() throws Exception {
        try (ItemScene scene = new ItemScene(ROWS)) {
            ServiceProcess service = stopped(scene);
            service.kill();
            for (Path segment : segments(scene.dataFolder())) {
                flip(segment);
            }
            change(scene);

            requireRefused(scene);
            heal(scene);
        }
    }

    private static ServiceProcess stopped(ItemScene scene) {
        ServiceProcess service = scene.startService();
        service.awaitPhase("IN_SYNC", Waits.LIMIT);
        return service;
    }

    private static void change(ItemScene scene) throws SQLException {
        ItemScene.execute(
                scene.source,
                "DELETE FROM item WHERE id % 3 = 0",
                "UPDATE item SET n = 7 WHERE id % 5 = 0");
    }

    private static void requireRefused(ItemScene scene) throws Exception {
        ServiceProcess again = scene.startService();
        OptionalInt ended = again.awaitEnd(Duration.ofMinutes(1));

        assertThat(ended).as(again.said()).isPresent();
        assertThat(ended.getAsInt()).isNotZero();
        assertThat(again.said())
                .contains("The migration cannot continue", "millrace run", "--rebackfill")
                .containsPattern("records are lost|broker lost");
        assertThat(ItemScene.number(scene.target, "SELECT count(*) FROM item")).isEqualTo(ROWS);
    }

    private static void heal(ItemScene scene) throws Exception {
        ServiceProcess service = scene.startServiceWithoutLog();
        service.awaitPhase("IN_SYNC", Waits.LIMIT);
        service.kill();

        scene.startServiceWithoutLog();
        scene.requireEqual();
    }

    private static List<Path> segments(Path folder) throws IOException {
        try (Stream<Path> files = Files.walk(folder)) {
            List<Path> segments =
                    files.filter(file -> file.toString().matches(".*/millrace\\.[^/]*/\\d+\\.log"))
                            .toList();
            assertThat(segments).isNotEmpty();
            return segments;
        }
    }

    private static void flip(Path file) throws IOException {
        try (FileChannel channel =
                FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
            ByteBuffer one = ByteBuffer.allocate(1);
            for (long at = FLIPPED_EVERY; at < channel.size(); at += FLIPPED_EVERY) {
                channel.read(one.clear(), at);
                one.put(0, (byte) ~one.get(0));
                channel.write(one.rewind(), at);
            }
        }
    }
}
