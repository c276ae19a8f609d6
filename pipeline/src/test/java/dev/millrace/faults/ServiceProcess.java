package dev.millrace.faults;

import dev.millrace.testing.JavaCommand;
import dev.millrace.testing.TestFolders;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.TimeUnit;
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
    private final Process process;
    private final int port;
    private final Path output;

    private ServiceProcess(Process process, int port, Path output) {
        this.process = process;
        this.port = port;
        this.output = output;
    }

    public static ServiceProcess start(Path spec, int port) {
        return start(spec, port, "-Xmx768m");
    }

    /// @param heap the JVM's option for the largest heap
    static ServiceProcess start(Path spec, int port, String heap) {
        Path output = TestFolders.create("service").resolve("output");
        try {
            List<String> command =
                    JavaCommand.of(
                                    heap,
                                    "-XX:+ExitOnOutOfMemoryError",
                                    "-Duser.timezone=UTC",
                                    "--enable-native-access=ALL-UNNAMED",
                                    "--sun-misc-unsafe-memory-access=allow")
                            .main(
                                    "dev.millrace.app.Main",
                                    "--debug",
                                    "run",
                                    "-c",
                                    spec.toString(),
                                    "--port",
                                    Integer.toString(port));
            Process process =
                    new ProcessBuilder(command)
                            .redirectErrorStream(true)
                            .redirectOutput(output.toFile())
                            .start();
            return new ServiceProcess(process, port, output);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
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
                .atMost(Duration.ofMinutes(3))
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

    /// Sends SIGKILL.
    public void kill() throws InterruptedException {
        process.destroyForcibly();
        process.waitFor();
    }

    /// Sends SIGTERM and returns the exit code.
    int terminate() throws InterruptedException {
        process.destroy();
        if (!process.waitFor(60, TimeUnit.SECONDS)) {
            throw new IllegalStateException("The service did not drain within 60 s: " + said());
        }
        return process.exitValue();
    }

    public long pid() {
        return process.pid();
    }

    /// Sends SIGSTOP or SIGCONT.
    ///
    /// @param signal `STOP` or `CONT`
    void signal(String signal) throws IOException, InterruptedException {
        int status =
                new ProcessBuilder("kill", "-" + signal, Long.toString(pid()))
                        .inheritIO()
                        .start()
                        .waitFor();
        if (status != 0) {
            throw new IllegalStateException("kill -" + signal + " ended with " + status);
        }
    }

    /// Bytes of the heap that are in use after a full collection.
    long reachableHeap() throws IOException, InterruptedException {
        jcmd("GC.run");
        Matcher used = Pattern.compile("heap.* used (\\d+)K").matcher(jcmd("GC.heap_info"));
        if (!used.find()) {
            throw new IllegalStateException("jcmd does not print the size of the heap");
        }
        return Long.parseLong(used.group(1)) << 10;
    }

    private String jcmd(String command) throws IOException, InterruptedException {
        Process jcmd =
                new ProcessBuilder(
                                Path.of(System.getProperty("java.home"), "bin", "jcmd").toString(),
                                Long.toString(pid()),
                                command)
                        .redirectErrorStream(true)
                        .start();
        String printed = new String(jcmd.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        if (jcmd.waitFor() != 0) {
            throw new IllegalStateException(printed);
        }
        return printed;
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
        return process.waitFor(atMost.toMillis(), TimeUnit.MILLISECONDS)
                ? OptionalInt.of(process.exitValue())
                : OptionalInt.empty();
    }

    /// Reads every row again, and waits for the end.
    void rebackfillAll() throws IOException {
        String operation = rebackfill("{}");
        Awaitility.await()
                .atMost(Duration.ofMinutes(3))
                .until(() -> "done".equals(operation(operation).path("state").asString()));
    }

    String said() {
        try {
            return Files.readString(output);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    public void requireAlive() {
        if (!process.isAlive()) {
            throw new IllegalStateException(
                    "The service ended with " + process.exitValue() + ":\n" + said());
        }
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
        process.destroyForcibly();
    }
}
