package dev.millrace.bench.contestant;

import dev.millrace.cli.Providers.BenchLauncher.Peer;
import dev.millrace.sandbox.LoopbackPort;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import tools.jackson.databind.json.JsonMapper;

/// Kafka Connect in standalone mode with the Debezium PostgreSQL source and the Debezium JDBC sink,
/// tuned for throughput, with a broker in another process. It copies the columns unchanged.
/// [#prepare] downloads its programs from Maven Central with the checkout's wrapper.
public final class ConnectJdbc implements Contestant {

    static final String DEBEZIUM = "3.6.0.Final";
    static final String KAFKA = "4.3.1";

    private static final String DEPENDENCY_PLUGIN =
            "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:";
    private static final Duration DOWNLOAD = Duration.ofMinutes(15);
    private static final List<String> BROKER_OPTIONS = List.of("-Xmx1g");
    private static final List<String> WORKER_OPTIONS = List.of("-Xmx3g");
    private static final String JSON = "org.apache.kafka.connect.json.JsonConverter";

    private static final Map<String, String> WORKER =
            new TreeMap<>(
                    Map.of(
                            "key.converter", JSON,
                            "value.converter", JSON,
                            "key.converter.schemas.enable", "true",
                            "value.converter.schemas.enable", "true",
                            "offset.flush.interval.ms", "10000",
                            "consumer.max.poll.records", "5000",
                            "producer.batch.size", "262144",
                            "producer.compression.type", "lz4"));

    private static final Map<String, String> SOURCE =
            new TreeMap<>(
                    Map.of(
                            "connector.class", "io.debezium.connector.postgresql.PostgresConnector",
                            "tasks.max", "1",
                            "topic.prefix", "peer",
                            "plugin.name", "pgoutput",
                            "publication.autocreate.mode", "filtered",
                            "table.include.list", "public.orders",
                            "snapshot.fetch.size", "10000",
                            "max.batch.size", "8192",
                            "max.queue.size", "65536",
                            "poll.interval.ms", "10"));

    private static final Map<String, String> SINK =
            new TreeMap<>(
                    Map.of(
                            "connector.class", "io.debezium.connector.jdbc.JdbcSinkConnector",
                            "tasks.max", "2",
                            "topics", "peer.public.orders",
                            "insert.mode", "upsert",
                            "delete.enabled", "true",
                            "primary.key.mode", "record_key",
                            "schema.evolution", "none",
                            "batch.size", "5000",
                            "use.reduction.buffer", "true",
                            "collection.name.format", "${source.table}"));

    private final Path wrapper;
    private final Path programs;

    /// @param checkout the checkout whose Maven wrapper is used
    /// @param programs folder for downloaded programs
    public ConnectJdbc(Path checkout, Path programs) {
        this.wrapper = checkout.resolve("mvnw");
        this.programs = programs;
    }

    @Override
    public String name() {
        return Peer.CONNECT_JDBC.toString();
    }

    @Override
    public OrdersTable.Form form() {
        return OrdersTable.Form.COPIED;
    }

    @Override
    public Map<String, String> settings() {
        Map<String, String> settings = new TreeMap<>();
        settings.put("versions", "Kafka " + KAFKA + ", Debezium " + DEBEZIUM);
        settings.put("broker: JVM options", String.join(" ", BROKER_OPTIONS));
        settings.put("broker: num.partitions", "2");
        settings.put("worker: JVM options", String.join(" ", WORKER_OPTIONS));
        WORKER.forEach((name, value) -> settings.put("worker: " + name, value));
        SOURCE.forEach((name, value) -> settings.put("source: " + name, value));
        SINK.forEach((name, value) -> settings.put("sink: " + name, value));
        settings.put("sink: connection.url", "…?reWriteBatchedInserts=true");
        return settings;
    }

    @Override
    public void prepare(Narration narration) throws IOException {
        if (Files.exists(classPathFile())) {
            return;
        }
        narration.say("Downloading Kafka Connect and the Debezium connectors");
        Files.createDirectories(plugins());
        Files.writeString(programs.resolve("pom.xml"), pom());
        for (String connector : List.of("jdbc", "postgres")) {
            maven(
                    "copy",
                    "-Dartifact=io.debezium:debezium-connector-"
                            + connector
                            + ":"
                            + DEBEZIUM
                            + ":tar.gz:plugin",
                    "-DoutputDirectory=" + programs);
            run(
                    "tar",
                    List.of(
                            "tar",
                            "xzf",
                            programs.resolve(
                                            "debezium-connector-"
                                                    + connector
                                                    + "-"
                                                    + DEBEZIUM
                                                    + "-plugin.tar.gz")
                                    .toString(),
                            "-C",
                            plugins().toString()));
        }
        maven("build-classpath", "-Dmdep.outputFile=" + classPathFile());
    }

    @Override
    public Copying start(Route route) throws IOException, SQLException {
        ConnectCluster cluster =
                new ConnectCluster(
                        Files.readString(classPathFile()).strip(),
                        route,
                        BROKER_OPTIONS,
                        WORKER_OPTIONS);
        Path folder = route.folder();
        int rest = LoopbackPort.free();
        Map<String, String> worker = new TreeMap<>(WORKER);
        worker.put("bootstrap.servers", cluster.bootstrap());
        worker.put("offset.storage.file.filename", folder.resolve("offsets").toString());
        worker.put("plugin.path", plugins().toString());
        worker.put("listeners", "http://127.0.0.1:" + rest);
        Map<String, String> source = new TreeMap<>(SOURCE);
        source.put("database.hostname", "127.0.0.1");
        source.put("database.port", Integer.toString(route.servers().source().port()));
        source.put("database.user", route.servers().source().username());
        source.put("database.password", route.servers().source().password());
        source.put("database.dbname", route.sourceDatabase());
        source.put("slot.name", "bench" + route.number());
        source.put("publication.name", "bench" + route.number());
        Map<String, String> sink = new TreeMap<>(SINK);
        sink.put(
                "connection.url",
                route.servers().target().jdbcUrl(route.targetDatabase())
                        + "?reWriteBatchedInserts=true");
        sink.put("connection.username", route.servers().target().username());
        sink.put("connection.password", route.servers().target().password());
        try {
            cluster.start(rest, worker, connector("source", source), connector("sink", sink));
            return cluster;
        } catch (IOException | RuntimeException e) {
            cluster.close();
            throw e;
        }
    }

    private static String connector(String name, Map<String, String> config) {
        return JsonMapper.shared().writeValueAsString(Map.of("name", name, "config", config));
    }

    private Path classPathFile() {
        return programs.resolve("classpath.txt");
    }

    private Path plugins() {
        return programs.resolve("plugins");
    }

    private void maven(String goal, String... properties) throws IOException {
        List<String> command =
                new ArrayList<>(
                        List.of(
                                "sh",
                                wrapper.toString(),
                                "-q",
                                "-B",
                                "-f",
                                programs.resolve("pom.xml").toString(),
                                DEPENDENCY_PLUGIN + goal));
        command.addAll(List.of(properties));
        run("Maven", command);
    }

    private void run(String what, List<String> command) throws IOException {
        Path log = programs.resolve("download.log");
        try (ChildProcess process =
                ChildProcess.start(
                        what,
                        command,
                        Map.of("JAVA_HOME", System.getProperty("java.home")),
                        log,
                        ProcessBuilder.Redirect.appendTo(log.toFile()))) {
            int exitCode = process.await(DOWNLOAD);
            if (exitCode != 0) {
                throw new ContestantFailed(
                        "Cannot download Kafka Connect: "
                                + what
                                + " ended with exit code "
                                + exitCode
                                + ". "
                                + lastLine(log));
            }
        }
    }

    private static String lastLine(Path log) throws IOException {
        return Files.readAllLines(log).stream()
                .filter(line -> line.contains("ERROR"))
                .findFirst()
                .orElse("");
    }

    private static String pom() {
        StringBuilder text =
                new StringBuilder(
                        "<project xmlns=\"http://maven.apache.org/POM/4.0.0\">"
                                + "<modelVersion>4.0.0</modelVersion><groupId>bench</groupId>"
                                + "<artifactId>connect</artifactId><version>1</version>"
                                + "<dependencies>");
        for (String artifact :
                List.of(
                        "org.apache.kafka:connect-runtime:" + KAFKA,
                        "org.apache.kafka:connect-json:" + KAFKA,
                        "org.apache.kafka:kafka_2.13:" + KAFKA,
                        "org.slf4j:slf4j-simple:1.7.36")) {
            String[] parts = artifact.split(":", -1);
            text.append("<dependency><groupId>")
                    .append(parts[0])
                    .append("</groupId><artifactId>")
                    .append(parts[1])
                    .append("</artifactId><version>")
                    .append(parts[2])
                    .append("</version></dependency>");
        }
        return text.append("</dependencies></project>\n").toString();
    }
}
