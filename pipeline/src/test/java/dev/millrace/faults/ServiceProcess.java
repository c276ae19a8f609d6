package dev.millrace.faults;

import dev.millrace.testing.ChildProcess;
import dev.millrace.testing.JavaCommand;
import dev.millrace.testing.TestFolders;
import dev.millrace.testing.Waits;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// `millrace run -c F` as a process that the test calls over HTTP and kills.
public final class ServiceProcess implements AutoCloseable {

    private static final JsonMapper JSON = JsonMapper.builder().build();

    private final HttpClient http =
            HttpClient.newBuilder().connectTimeout(Duration.ofSeconds(2)).build();
    private final ChildProcess process;
    private final int port;

    private ServiceProcess(ChildProcess process, int port) {
        this.process = process;
        this.port = port;
    }

    public static ServiceProcess start(Path spec, int port) {
        return start(spec, port, "-Xmx768m", Map.of());
    }

    /// @param heap the JVM's option for the largest heap
    /// @param environment more variables than this process has
    /// @param more arguments of the command
    static ServiceProcess start(
            Path spec, int port, String heap, Map<String, String> environment, String... more) {
        List<String> arguments =
                new ArrayList<>(
                        List.of(
                                "--debug",
                                "run",
                                "-c",
                                spec.toString(),
                                "--port",
                                Integer.toString(port)));
        arguments.addAll(List.of(more));
        List<String> command =
                JavaCommand.of(
                                heap,
                                "-XX:+ExitOnOutOfMemoryError",
                                "-Duser.timezone=UTC",
                                "--enable-native-access=ALL-UNNAMED",
                                "--sun-misc-unsafe-memory-access=allow")
                        .main("dev.millrace.app.Main", arguments.toArray(String[]::new));
        Path output = TestFolders.create("service").resolve("output");
        return new ServiceProcess(ChildProcess.start(command, environment, output), port);
    }

    /// The status; empty while the service does not respond.
    public Optional<JsonNode> status() {
        try {
            HttpResponse<String> answer = send(request("/api/v1/status").GET().build());
            return answer.statusCode() == 200
                    ? Optional.of(JSON.readTree(answer.body()))
                    : Optional.empty();
        } catch (IOException _) {
            return Optional.empty();
        }
    }

    /// The time of the machine as the process reads it.
    Instant clockOfItsMachine() throws IOException {
        String date =
                send(request("/api/v1/status").GET().build())
                        .headers()
                        .firstValue("Date")
                        .orElseThrow();
        return Instant.from(DateTimeFormatter.RFC_1123_DATE_TIME.parse(date));
    }

    public String phase() {
        return status().map(status -> status.path("phase").stringValue("")).orElse("");
    }

    /// The number of changes that this process has written to the log; 0 while it does not respond.
    long events() {
        return status().map(status -> status.at("/counts/events").longValue(0)).orElse(0L);
    }

    public void awaitPhase(String phase, Duration atMost) {
        Awaitility.await()
                .atMost(atMost)
                .pollInterval(Duration.ofMillis(200))
                .until(
                        () -> {
                            requireAlive();
                            return phase().equals(phase);
                        });
    }

    /// Limits the backfill as soon as the service accepts it.
    ///
    /// @param rowsPerSecond 0 for no limit
    public void throttle(int rowsPerSecond) {
        Awaitility.await()
                .atMost(Waits.LIMIT)
                .pollInterval(Duration.ofMillis(20))
                .until(
                        () -> {
                            requireAlive();
                            return status().isPresent()
                                    && post("throttle", "{\"rowsPerSecond\":" + rowsPerSecond + "}")
                                                    .statusCode()
                                            == 200;
                        });
    }

    /// Changes the backfill.
    ///
    /// @param action `pause` or `resume`
    /// @throws IllegalStateException if the service refuses it
    void changeBackfill(String action) throws IOException {
        HttpResponse<String> answer = post(action, "{\"what\":[\"backfill\"]}");
        if (answer.statusCode() != 200) {
            throw new IllegalStateException(answer.body());
        }
    }

    private HttpResponse<String> post(String what, String body) throws IOException {
        return send(
                request("/api/v1/" + what)
                        .header("Content-Type", "application/json")
                        .POST(BodyPublishers.ofString(body))
                        .build());
    }

    /// Reconciles all tables and waits for the report.
    public JsonNode reconcile() throws IOException {
        HttpResponse<String> asked = post("reconciliations", "{}");
        String id = JSON.readTree(asked.body()).path("id").stringValue("");
        return Awaitility.await()
                .atMost(Duration.ofMinutes(10))
                .pollInterval(Duration.ofMillis(300))
                .until(
                        () ->
                                JSON.readTree(
                                        send(request("/api/v1/reconciliations/" + id).GET().build())
                                                .body()),
                        report -> report.has("verdict"));
    }

    /// All records of the changes topic as JSON objects.
    Stream<JsonNode> changes() throws IOException {
        HttpResponse<Stream<String>> answer;
        try {
            answer =
                    http.send(
                            request("/api/v1/log?topic=changes&limit=100000000").GET().build(),
                            BodyHandlers.ofLines());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException(e);
        }
        return answer.body().map(JSON::readTree);
    }

    /// Begins to move the traffic.
    ///
    /// @param kind `switchover` or `rollback`
    /// @return the operation's id
    /// @throws AssertionError with the reason if that is refused
    public String move(String kind) throws IOException {
        HttpResponse<String> answer = post(kind, "{}");
        if (answer.statusCode() != 202) {
            throw new AssertionError(answer.body());
        }
        return JSON.readTree(answer.body()).at("/operation/id").stringValue("");
    }

    /// Begins to read rows again.
    ///
    /// @return the operation's id
    /// @throws AssertionError with the reason if that is refused
    String rebackfill(String body) throws IOException {
        HttpResponse<String> answer = post("rebackfill", body);
        if (answer.statusCode() != 202) {
            throw new AssertionError(answer.body());
        }
        return JSON.readTree(answer.body()).at("/operation/id").stringValue("");
    }

    /// The operation as the service shows it; an empty object while it does not respond.
    JsonNode operation(String id) {
        try {
            return JSON.readTree(send(request("/api/v1/operations/" + id).GET().build()).body());
        } catch (IOException _) {
            return JSON.createObjectNode();
        }
    }

    /// Sends SIGKILL and waits for the end.
    public void kill() {
        process.close();
    }

    /// Sends SIGTERM and returns the exit code.
    int terminate() throws InterruptedException {
        return process.terminate();
    }

    public long pid() {
        return process.pid();
    }

    /// @param signal `STOP` or `CONT`
    void signal(String signal) throws IOException, InterruptedException {
        process.signal(signal);
    }

    /// Bytes of all objects that are reachable; every collector prints them in the same form.
    long reachableHeap() throws IOException, InterruptedException {
        Matcher total =
                Pattern.compile("Total +\\d+ +(\\d+)").matcher(process.jcmd("GC.class_histogram"));
        if (!total.find()) {
            throw new IllegalStateException("jcmd does not print the bytes of all objects");
        }
        return Long.parseLong(total.group(1));
    }

    /// Bytes of memory that the process has.
    long residentMemory() throws IOException {
        return Files.readAllLines(Path.of("/proc", Long.toString(pid()), "status")).stream()
                .filter(line -> line.startsWith("VmRSS:"))
                .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")) << 10)
                .findFirst()
                .orElseThrow();
    }

    boolean isAlive() {
        return process.isAlive();
    }

    /// The exit code; empty if the process does not end within the time.
    OptionalInt awaitEnd(Duration atMost) throws InterruptedException {
        return process.awaitEnd(atMost);
    }

    /// Reads every row again, and waits for the end.
    void rebackfillAll() throws IOException {
        String operation = rebackfill("{}");
        Awaitility.await()
                .atMost(Waits.LIMIT)
                .until(() -> "done".equals(operation(operation).path("state").asString()));
    }

    String said() {
        return process.said();
    }

    public void requireAlive() {
        process.requireAlive();
    }

    private HttpRequest.Builder request(String path) {
        return HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + path))
                .timeout(Duration.ofSeconds(10));
    }

    private HttpResponse<String> send(HttpRequest request) throws IOException {
        try {
            return http.send(request, BodyHandlers.ofString());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException(e);
        }
    }

    @Override
    public void close() {
        process.close();
    }
}
