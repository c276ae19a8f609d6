package dev.millrace.faults;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/// The clock of the machine on which the service and its broker run is set forward and back by two
/// hours during writes. Needs the Debian package `faketime`, whose correction of monotonic waits is
/// off: with it, `Object.wait` of a JVM returns at once.
@Tag("faults")
class ClockJumpsIT {

    private static final List<String> JUMPS = List.of("+2h", "+0", "-2h", "+2h", "-2h", "+0");
    private static final Duration SOON = Duration.ofMinutes(2);
    private static final int ROWS = 1_000;

    private static final List<String> STATEMENTS =
            List.of(
                    "UPDATE item SET n = n + 1 WHERE n >= 0 AND id % 50 = 0",
                    "INSERT INTO item SELECT coalesce(max(id), 0) + 1 FROM item",
                    "DELETE FROM item WHERE id = (SELECT min(id) FROM item WHERE n >= 0)");

    @Test
    void clockJumpsChangeNoRowNoLagAndNoRetention() throws Exception {
        Path library = library();
        try (ItemScene scene = new ItemScene(ROWS)) {
            scene.keepLogFor("1h");
            Path offset = scene.file("offset");
            set(offset, JUMPS.getLast());
            ServiceProcess service =
                    scene.startService(
                            Map.of(
                                    "LD_PRELOAD", library.toString(),
                                    "FAKETIME_TIMESTAMP_FILE", offset.toString(),
                                    "FAKETIME_CACHE_DURATION", "1",
                                    "FAKETIME_DONT_FAKE_MONOTONIC", "1",
                                    "FAKETIME_FORCE_MONOTONIC_FIX", "0",
                                    "NO_FAKE_STAT", "1"));
            service.awaitPhase("IN_SYNC", SOON);
            try (Writer _ = new Writer(scene.source, ItemScene.DATABASE, STATEMENTS)) {
                for (String jump : JUMPS) {
                    set(offset, jump);
                    awaitClock(service, jump);
                    awaitApplied(scene, service);
                    if (jump.equals(JUMPS.getFirst())) {
                        requireNothingDeleted(service);
                    }
                }
            }
            scene.requireEqual();
        }
    }

    private static Path library() throws IOException {
        try (Stream<Path> files =
                Files.find(
                        Path.of("/usr/lib"),
                        3,
                        (file, _) -> file.endsWith("faketime/libfaketimeMT.so.1"))) {
            Optional<Path> found = files.findFirst();
            assumeTrue(found.isPresent(), "libfaketime not found: install the package faketime");
            return found.orElseThrow();
        }
    }

    /// A process that reads it meanwhile sees the old or the new value.
    private static void set(Path offset, String value) throws IOException {
        Path next = offset.resolveSibling("next");
        Files.writeString(next, value + "\n");
        Files.move(next, offset, StandardCopyOption.ATOMIC_MOVE);
    }

    private static void awaitClock(ServiceProcess service, String jump) {
        Duration ahead =
                switch (jump) {
                    case "+2h" -> Duration.ofHours(2);
                    case "-2h" -> Duration.ofHours(-2);
                    default -> Duration.ZERO;
                };
        Awaitility.await()
                .atMost(SOON)
                .pollInterval(Duration.ofMillis(20))
                .until(
                        () -> {
                            requireLag(service);
                            return Duration.between(
                                                    Instant.now().plus(ahead),
                                                    service.clockOfItsMachine())
                                            .abs()
                                            .compareTo(SOON)
                                    < 0;
                        });
    }

    private static void requireLag(ServiceProcess service) {
        JsonNode lag =
                service.status()
                        .map(status -> status.at("/lag/endToEndSeconds"))
                        .filter(JsonNode::isNumber)
                        .orElse(null);
        if (lag != null) {
            assertThat(lag.doubleValue()).isBetween(0.0, (double) SOON.toSeconds());
        }
    }

    private static void awaitApplied(ItemScene scene, ServiceProcess service) throws SQLException {
        ItemScene.execute(scene.source, "INSERT INTO item SELECT max(id) + 1000, -1 FROM item");
        long marked = ItemScene.number(scene.source, "SELECT count(*) FROM item WHERE n = -1");
        Awaitility.await()
                .atMost(SOON)
                .pollInterval(Duration.ofMillis(50))
                .until(
                        () -> {
                            requireLag(service);
                            return ItemScene.number(
                                            scene.target, "SELECT count(*) FROM item WHERE n = -1")
                                    == marked;
                        });
    }

    /// A round of the retention deletes first and measures the disk use then, which grows while
    /// rows are written. The first round that is seen may have begun before the jump.
    private static void requireNothingDeleted(ServiceProcess service) throws IOException {
        Map<Integer, Long> oldest = oldestRecords(service);
        for (int round = 0; round < 2; round++) {
            JsonNode measured = diskUse(service);
            Awaitility.await()
                    .atMost(SOON)
                    .until(() -> diskUse(service), now -> now.isNumber() && !now.equals(measured));
        }
        assertThat(oldestRecords(service)).as("by partition").isEqualTo(oldest);
    }

    private static JsonNode diskUse(ServiceProcess service) {
        return service.status().orElseThrow().at("/log/changesBytes");
    }

    private static Map<Integer, Long> oldestRecords(ServiceProcess service) throws IOException {
        try (Stream<JsonNode> changes = service.changes()) {
            return changes.collect(
                    Collectors.toMap(
                            change -> change.path("partition").asInt(),
                            change -> change.path("offset").asLong(),
                            Math::min));
        }
    }
}
