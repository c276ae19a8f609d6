package dev.millrace.capture;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.millrace.testing.PostgresServer;
import dev.millrace.testing.TestDatabase;
import dev.millrace.testing.Waits;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/// The test of a kill inside a COPY ([CaptureKillIT]) finds the known loss of an unpatched
/// connector with its own offsets, so it would find it in Millrace.
@Tag("faults")
class StockConnectorIT {

    private static final String LOSING = "3.6.3.Final";
    private static final int ROWS = 20;
    private static final int HALT_AT = 8;

    @Test
    void aKillInsideACopyLosesRowsOfTheConnector363() throws Exception {
        assertThat(lost(classPath(connector(LOSING)))).isNotEmpty();
    }

    @Test
    void aKillInsideACopyLosesNoRowOfTheConnectorInUse() throws Exception {
        assertThat(lost(List.of(System.getProperty("java.class.path")))).isEmpty();
    }

    /// The rows of a COPY that never reach the log.
    private static Set<String> lost(List<String> classPath) throws Exception {
        TestDatabase source = PostgresServer.shared().newDatabase();
        source.execute(
                "CREATE TABLE item (id int PRIMARY KEY, name text)",
                "CREATE PUBLICATION stock FOR TABLE item");
        source.query("SELECT pg_create_logical_replication_slot('stock', 'pgoutput')");
        Path folder = StockConnector.folder();
        try (StockConnector first = StockConnector.start(classPath, source, folder, HALT_AT)) {
            awaitStreaming(source);
            CaptureKillIT.copy(source, 1, ROWS);
            await(first::hasHalted);
        }
        source.execute("INSERT INTO item VALUES (" + (ROWS + 1) + ", 'next')");
        try (StockConnector second = StockConnector.start(classPath, source, folder, 0)) {
            await(() -> second.log().contains(Integer.toString(ROWS + 1)));
            Set<String> lost =
                    IntStream.rangeClosed(1, ROWS)
                            .mapToObj(Integer::toString)
                            .collect(Collectors.toCollection(HashSet::new));
            second.log().forEach(lost::remove);
            return lost;
        } finally {
            await(() -> !streams(source));
            source.query("SELECT pg_drop_replication_slot('stock')");
        }
    }

    private static void awaitStreaming(TestDatabase source) {
        await(() -> streams(source));
    }

    private static boolean streams(TestDatabase source) {
        return !source.query(
                        "SELECT 1 FROM pg_replication_slots WHERE active AND slot_name = 'stock'")
                .isEmpty();
    }

    private static void await(Callable<Boolean> condition) {
        Awaitility.await()
                .atMost(Waits.LIMIT)
                .pollInterval(Duration.ofMillis(100))
                .until(condition);
    }

    /// This class path with other versions of the connector's own artifacts.
    private static List<String> classPath(Path connector) throws IOException {
        List<Path> jars;
        try (Stream<Path> files = Files.list(connector)) {
            jars =
                    files.filter(file -> file.getFileName().toString().matches("debezium-.*\\.jar"))
                            .toList();
        }
        Set<String> replaced =
                jars.stream()
                        .map(jar -> artifact(jar.getFileName().toString()))
                        .collect(Collectors.toSet());
        return Stream.concat(
                        jars.stream().map(Path::toString),
                        Stream.of(System.getProperty("java.class.path").split(File.pathSeparator))
                                .filter(
                                        entry ->
                                                !replaced.contains(
                                                        artifact(
                                                                Path.of(entry)
                                                                        .getFileName()
                                                                        .toString()))))
                .toList();
    }

    private static String artifact(String jar) {
        return jar.replaceFirst("-\\d+\\.\\d+.*$", "");
    }

    /// The folder of the connector's distribution, which Maven downloads.
    private static Path connector(String version) throws IOException, InterruptedException {
        Path folder = Path.of("target", "stock-" + version).toAbsolutePath();
        Path unpacked = folder.resolve("debezium-connector-postgres");
        if (!Files.isDirectory(unpacked)) {
            Files.createDirectories(folder);
            String name = "debezium-connector-postgres";
            assumeTrue(
                    succeeds(
                            folder,
                            Path.of("..", "mvnw").toAbsolutePath().normalize().toString(),
                            "-B",
                            "-q",
                            "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy",
                            "-Dartifact=io.debezium:" + name + ":" + version + ":tar.gz:plugin",
                            "-DoutputDirectory=" + folder),
                    "Maven cannot download the connector " + version);
            assertThat(succeeds(folder, "tar", "xzf", name + "-" + version + "-plugin.tar.gz"))
                    .isTrue();
        }
        return unpacked;
    }

    private static boolean succeeds(Path folder, String... command)
            throws IOException, InterruptedException {
        return new ProcessBuilder(command)
                        .directory(folder.toFile())
                        .redirectErrorStream(true)
                        .redirectOutput(folder.resolve("output").toFile())
                        .start()
                        .waitFor()
                == 0;
    }
}
