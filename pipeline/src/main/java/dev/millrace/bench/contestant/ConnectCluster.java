package dev.millrace.bench.contestant;

import dev.millrace.bench.contestant.Contestant.ContestantFailed;
import dev.millrace.bench.contestant.Contestant.Copying;
import dev.millrace.bench.contestant.Contestant.Route;
import dev.millrace.sandbox.LoopbackPort;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CancellationException;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/// A Kafka broker and a Kafka Connect worker with a source and a sink. Not thread-safe.
final class ConnectCluster implements Copying {

    private static final Duration START = Duration.ofMinutes(2);
    private static final Duration POLL = Duration.ofMillis(50);
    private static final String CLUSTER = "bWlsbHJhY2UtYmVuY2gtMQ";
    private static final String QUIET = "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn";

    private final String classPath;
    private final Path folder;
    private final Connection source;
    private final List<String> brokerOptions;
    private final List<String> workerOptions;
    private final int port = LoopbackPort.free();
    private final HttpClient http =
            HttpClient.newBuilder().connectTimeout(Duration.ofSeconds(2)).build();
    private List<ChildProcess> broker = List.of();
    private List<ChildProcess> worker = List.of();
    private int rest;

    ConnectCluster(
            String classPath, Route route, List<String> brokerOptions, List<String> workerOptions)
            throws SQLException {
        this.classPath = classPath;
        this.folder = route.folder();
        this.source = route.servers().source().connect(route.sourceDatabase());
        this.brokerOptions = brokerOptions;
        this.workerOptions = workerOptions;
    }

    String bootstrap() {
        return "127.0.0.1:" + port;
    }

    /// @param restPort port of the worker's REST API
    void start(int restPort, Map<String, String> workerProperties, String source, String sink)
            throws IOException {
        rest = restPort;
        write("broker.properties", brokerProperties());
        write("worker.properties", workerProperties);
        Files.writeString(folder.resolve("source.json"), source);
        Files.writeString(folder.resolve("sink.json"), sink);
        try (ChildProcess format =
                program(
                        "kafka-storage",
                        List.of("-Xmx256m"),
                        "kafka.tools.StorageTool",
                        "format",
                        "-t",
                        CLUSTER,
                        "-c",
                        folder.resolve("broker.properties").toString())) {
            if (format.await(START) != 0) {
                throw new ContestantFailed("The storage of the broker cannot be formatted.");
            }
        }
        broker =
                List.of(
                        program(
                                "broker",
                                brokerOptions,
                                "kafka.Kafka",
                                folder.resolve("broker.properties").toString()));
        Deadline deadline = Deadline.in(START);
        while (!accepts(port)) {
            broker.forEach(ChildProcess::requireAlive);
            deadline.pause(POLL, "the broker");
        }
        resume();
    }

    private Map<String, String> brokerProperties() {
        int controller = LoopbackPort.free();
        Map<String, String> properties = new TreeMap<>();
        properties.put("process.roles", "broker,controller");
        properties.put("node.id", "1");
        properties.put("controller.quorum.voters", "1@127.0.0.1:" + controller);
        properties.put(
                "listeners",
                "PLAINTEXT://" + bootstrap() + ",CONTROLLER://127.0.0.1:" + controller);
        properties.put("advertised.listeners", "PLAINTEXT://" + bootstrap());
        properties.put("controller.listener.names", "CONTROLLER");
        properties.put(
                "listener.security.protocol.map", "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT");
        properties.put("log.dirs", folder.resolve("log").toString());
        properties.put("offsets.topic.replication.factor", "1");
        properties.put("transaction.state.log.replication.factor", "1");
        properties.put("transaction.state.log.min.isr", "1");
        properties.put("num.partitions", "2");
        properties.put("group.initial.rebalance.delay.ms", "0");
        return properties;
    }

    /// Kafka Connect does not show when it reads its first row, but its session has a lock then.
    @Override
    public boolean hasBegun() throws SQLException {
        return BenchServers.text(
                        source,
                        "SELECT count(*) FROM pg_locks WHERE relation ="
                                + " 'public.orders'::regclass AND mode = 'AccessShareLock' AND"
                                + " pid <> pg_backend_pid()")
                .equals("0");
    }

    @Override
    public boolean follows() {
        Stream.concat(broker.stream(), worker.stream()).forEach(ChildProcess::requireAlive);
        for (String connector : List.of("source", "sink")) {
            String status = status(connector);
            if (status.contains("\"FAILED\"")) {
                throw new ContestantFailed("Connector " + connector + " failed: " + status);
            }
        }
        return true;
    }

    @Override
    public List<Long> processes() {
        return Stream.concat(broker.stream(), worker.stream()).map(ChildProcess::pid).toList();
    }

    @Override
    public void stop() {
        worker.forEach(ChildProcess::terminate);
        worker = List.of();
    }

    @Override
    public void resume() throws IOException {
        List<String> options = new ArrayList<>(workerOptions);
        options.add(QUIET);
        worker =
                List.of(
                        program(
                                "connect",
                                options,
                                "org.apache.kafka.connect.cli.ConnectStandalone",
                                folder.resolve("worker.properties").toString(),
                                folder.resolve("source.json").toString(),
                                folder.resolve("sink.json").toString()));
    }

    @Override
    public void close() {
        worker.forEach(ChildProcess::close);
        broker.forEach(ChildProcess::close);
        worker = List.of();
        broker = List.of();
        try {
            source.close();
        } catch (SQLException e) {
            throw new ContestantFailed("The session on the source cannot be closed: " + e, e);
        }
    }

    /// Empty while the worker does not respond.
    private String status(String connector) {
        try {
            HttpRequest request =
                    HttpRequest.newBuilder(
                                    URI.create(
                                            "http://127.0.0.1:"
                                                    + rest
                                                    + "/connectors/"
                                                    + connector
                                                    + "/status"))
                            .timeout(Duration.ofSeconds(5))
                            .build();
            return http.send(request, HttpResponse.BodyHandlers.ofString()).body();
        } catch (IOException _) {
            return "";
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
            throw new CancellationException();
        }
    }

    private ChildProcess program(
            String name, List<String> options, String main, String... arguments)
            throws IOException {
        Path log = folder.resolve(name + ".log");
        return ChildProcess.start(
                name,
                ChildProcess.javaOver(classPath, options, main, arguments),
                Map.of(),
                log,
                ProcessBuilder.Redirect.appendTo(log.toFile()));
    }

    private void write(String name, Map<String, String> properties) throws IOException {
        Files.writeString(
                folder.resolve(name),
                properties.entrySet().stream()
                        .map(one -> one.getKey() + "=" + one.getValue() + "\n")
                        .collect(Collectors.joining()));
    }

    private static boolean accepts(int port) {
        try (Socket socket = new Socket()) {
            socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), 500);
            return true;
        } catch (IOException _) {
            return false;
        }
    }
}
