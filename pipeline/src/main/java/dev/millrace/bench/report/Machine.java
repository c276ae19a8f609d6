package dev.millrace.bench.report;

import dev.millrace.bench.Bench;
import dev.millrace.bench.contestant.BenchServers;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// The machine and the programs of a benchmark. Immutable.
///
/// @param memoryBytes physical memory; 0 if unknown
/// @param cpu model of the processor; `unknown` where the system does not tell it
public record Machine(
        Instant at,
        int cores,
        long memoryBytes,
        String cpu,
        String system,
        Map<String, String> versions) {

    private static final Map<String, String> LIBRARIES =
            Map.of("Kafka", "kafka-clients", "Debezium", "debezium-connector-postgres");

    private static final String UNKNOWN = "unknown";

    public static Machine of(BenchServers servers, Instant at) throws SQLException {
        Map<String, String> versions = new TreeMap<>();
        String version = Bench.class.getPackage().getImplementationVersion();
        versions.put("Millrace", version == null ? "not packaged" : version);
        versions.put(
                "Java",
                System.getProperty("java.vm.name")
                        + " "
                        + System.getProperty("java.runtime.version"));
        versions.putAll(ofLibraries(System.getProperty("java.class.path")));
        try (Connection connection = servers.source().connect("postgres")) {
            versions.put("PostgreSQL", BenchServers.text(connection, "SHOW server_version"));
            versions.put("pgjdbc", connection.getMetaData().getDriverVersion());
        }
        return new Machine(
                at.truncatedTo(ChronoUnit.SECONDS),
                Runtime.getRuntime().availableProcessors(),
                memory(),
                field(Path.of("/proc/cpuinfo"), "model name").orElse(UNKNOWN),
                System.getProperty("os.name")
                        + " "
                        + System.getProperty("os.version")
                        + " "
                        + System.getProperty("os.arch"),
                versions);
    }

    /// Versions of the service's broker and connector, from the names of their jars.
    public static Map<String, String> ofLibraries(String classPath) {
        Map<String, String> versions = new TreeMap<>();
        LIBRARIES.forEach(
                (name, jar) -> {
                    Matcher found =
                            Pattern.compile("(?:^|[/:])" + jar + "-(\\d[^/:]*)\\.jar")
                                    .matcher(classPath);
                    if (found.find()) {
                        versions.put(name, found.group(1));
                    }
                });
        return versions;
    }

    /// Returns whether figures of both can be compared. The kernel's version and some megabytes of
    /// memory do not count.
    boolean isLike(Machine other) {
        return cores == other.cores
                && cpu.equals(other.cpu)
                && versions.equals(other.versions)
                && Math.abs(memoryBytes - other.memoryBytes) <= memoryBytes / 50;
    }

    private static long memory() {
        return field(Path.of("/proc/meminfo"), "MemTotal")
                .map(text -> Long.parseLong(text.replaceAll("\\D", "")) * 1024)
                .orElse(0L);
    }

    /// A value of a file of lines `name : value`.
    private static Optional<String> field(Path file, String name) {
        try {
            return Files.readAllLines(file).stream()
                    .filter(line -> line.startsWith(name))
                    .map(line -> line.substring(line.indexOf(':') + 1).strip())
                    .findFirst();
        } catch (IOException _) {
            return Optional.empty();
        }
    }
}
