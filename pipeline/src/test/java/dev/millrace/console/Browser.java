package dev.millrace.console;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.millrace.testing.Waits;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.WebSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// One page of a headless Chromium, controlled by its DevTools protocol
/// (https://chromedevtools.github.io/devtools-protocol/). Not thread-safe.
public final class Browser implements AutoCloseable {

    private static final int HEIGHT = 900;

    private final Process chromium;
    private final HttpClient client = HttpClient.newHttpClient();
    private final WebSocket socket;
    private final String session;
    private final AtomicInteger ids = new AtomicInteger();
    private final Map<Integer, CompletableFuture<JsonNode>> answers = new ConcurrentHashMap<>();
    private final List<JsonNode> events = new CopyOnWriteArrayList<>();

    private Browser(Process chromium, URI devTools) {
        this.chromium = chromium;
        this.socket =
                client.newWebSocketBuilder()
                        .buildAsync(devTools, new Messages())
                        .orTimeout(Waits.LIMIT.toSeconds(), TimeUnit.SECONDS)
                        .join();
        String target =
                send(null, "Target.createTarget", Map.of("url", "about:blank"))
                        .path("targetId")
                        .asString();
        this.session =
                send(null, "Target.attachToTarget", Map.of("targetId", target, "flatten", true))
                        .path("sessionId")
                        .asString();
        for (String domain : List.of("Page", "Runtime", "Log", "Network")) {
            call(domain + ".enable", Map.of());
        }
    }

    /// Skips the test, by name, where Chromium is not installed.
    public static Browser start(Path folder) throws IOException {
        Optional<Path> program =
                Stream.of("chromium", "chromium-browser", "google-chrome")
                        .flatMap(
                                name ->
                                        Stream.of(System.getenv("PATH").split(":"))
                                                .map(path -> Path.of(path, name)))
                        .filter(Files::isExecutable)
                        .findFirst();
        assumeTrue(program.isPresent(), "chromium not found: install the package chromium");
        Path log = folder.resolve("chromium.log");
        Process chromium =
                new ProcessBuilder(
                                program.orElseThrow().toString(),
                                "--headless=new",
                                "--no-sandbox",
                                "--disable-gpu",
                                "--disable-dev-shm-usage",
                                "--disable-background-networking",
                                "--no-first-run",
                                "--hide-scrollbars",
                                "--remote-debugging-port=0",
                                "--user-data-dir=" + folder.resolve("profile"),
                                "about:blank")
                        .redirectErrorStream(true)
                        .redirectOutput(log.toFile())
                        .start();
        Path port = folder.resolve("profile").resolve("DevToolsActivePort");
        Awaitility.await()
                .atMost(Waits.LIMIT)
                .until(() -> Files.exists(port) && Files.readAllLines(port).size() == 2);
        List<String> lines = Files.readAllLines(port);
        return new Browser(
                chromium, URI.create("ws://127.0.0.1:" + lines.getFirst() + lines.getLast()));
    }

    /// Collects whole messages; an answer has the id of its call.
    private final class Messages implements WebSocket.Listener {

        private final StringBuilder text = new StringBuilder();

        @Override
        public @Nullable CompletionStage<?> onText(
                WebSocket from, CharSequence part, boolean last) {
            text.append(part);
            if (last) {
                JsonNode message = JsonMapper.shared().readTree(text.toString());
                text.setLength(0);
                CompletableFuture<JsonNode> waiting = answers.remove(message.path("id").asInt(0));
                if (waiting == null) {
                    events.add(message);
                } else if (message.has("error")) {
                    waiting.completeExceptionally(
                            new IllegalStateException(message.path("error").toString()));
                } else {
                    waiting.complete(message.path("result"));
                }
            }
            from.request(1);
            return null;
        }
    }

    private JsonNode call(String method, Map<String, Object> parameters) {
        return send(session, method, parameters);
    }

    private JsonNode send(@Nullable String to, String method, Map<String, Object> parameters) {
        int id = ids.incrementAndGet();
        CompletableFuture<JsonNode> answer = new CompletableFuture<>();
        answers.put(id, answer);
        Map<String, Object> message = new ConcurrentHashMap<>();
        message.putAll(Map.of("id", id, "method", method, "params", parameters));
        if (to != null) {
            message.put("sessionId", to);
        }
        socket.sendText(JsonMapper.shared().writeValueAsString(message), true).join();
        return answer.orTimeout(Waits.LIMIT.toSeconds(), TimeUnit.SECONDS).join();
    }

    /// @param dark what the person has chosen
    public void look(int width, boolean dark) {
        call(
                "Emulation.setDeviceMetricsOverride",
                Map.of("width", width, "height", HEIGHT, "deviceScaleFactor", 1, "mobile", false));
        call(
                "Emulation.setEmulatedMedia",
                Map.of(
                        "features",
                        List.of(
                                Map.of(
                                        "name",
                                        "prefers-color-scheme",
                                        "value",
                                        dark ? "dark" : "light"))));
    }

    public void scripts(boolean allowed) {
        call("Emulation.setScriptExecutionDisabled", Map.of("value", !allowed));
    }

    public void open(String address) {
        long loaded = loads();
        call("Page.navigate", Map.of("url", address));
        Awaitility.await().atMost(Waits.LIMIT).until(() -> loads() > loaded);
    }

    private long loads() {
        return events.stream()
                .filter(event -> event.path("method").asString().equals("Page.loadEventFired"))
                .count();
    }

    /// The value of an expression, or of the promise that it gives, as text.
    public String value(String expression) {
        JsonNode result =
                call(
                        "Runtime.evaluate",
                        Map.of(
                                "expression",
                                expression,
                                "awaitPromise",
                                true,
                                "returnByValue",
                                true));
        if (result.has("exceptionDetails")) {
            throw new IllegalStateException(result.path("exceptionDetails").toString());
        }
        return result.path("result").path("value").asString();
    }

    /// Also over a page that loads meanwhile.
    public void await(String expression) {
        Awaitility.await()
                .atMost(Waits.LIMIT)
                .ignoreException(CompletionException.class)
                .alias(expression)
                .until(() -> value("Boolean(" + expression + ")").equals("true"));
    }

    /// Fills in the fields of a form and clicks its button, as a person with mouse and keyboard.
    public void submit(String form, Map<String, String> fields) {
        fields.forEach(
                (field, text) -> {
                    click(form + " " + field);
                    value("document.activeElement.select()");
                    call("Input.insertText", Map.of("text", text));
                });
        click(form + " button");
    }

    /// The same, and waits for the page that it opens.
    public void follow(String form, Map<String, String> fields) {
        long loaded = loads();
        submit(form, fields);
        Awaitility.await().atMost(Waits.LIMIT).until(() -> loads() > loaded);
    }

    /// Clicks a link, and waits for the page that it opens.
    public void followLink(String link) {
        long loaded = loads();
        click(link);
        Awaitility.await().atMost(Waits.LIMIT).until(() -> loads() > loaded);
    }

    /// Clicks the middle of an element that nothing covers.
    public void click(String element) {
        String place =
                """
                (() => {
                  const element = document.querySelector(%s);
                  if (!element) { return ''; }
                  element.scrollIntoView({block: 'center', behavior: 'instant'});
                  const box = element.getBoundingClientRect();
                  const x = box.left + box.width / 2, y = box.top + box.height / 2;
                  return element.contains(document.elementFromPoint(x, y)) ? x + ' ' + y : '';
                })()
                """
                        .formatted(quoted(element));
        String[] point =
                Awaitility.await(element)
                        .atMost(Waits.LIMIT)
                        .until(() -> value(place), found -> !found.isEmpty())
                        .split(" ");
        for (String type : List.of("mousePressed", "mouseReleased")) {
            call(
                    "Input.dispatchMouseEvent",
                    Map.of(
                            "type",
                            type,
                            "x",
                            Double.parseDouble(point[0]),
                            "y",
                            Double.parseDouble(point[1]),
                            "button",
                            "left",
                            "clickCount",
                            1));
        }
    }

    /// Serious violations of accessibility rules on the page, as a JSON list.
    public String seriousViolations() throws IOException {
        if (value("typeof axe").equals("undefined")) {
            try (InputStream axe =
                    Objects.requireNonNull(Browser.class.getResourceAsStream("/axe.min.js"))) {
                value(new String(axe.readAllBytes(), StandardCharsets.UTF_8));
            }
        }
        return value(
                """
                axe.run(document).then(found => JSON.stringify(found.violations
                    .filter(each => ['serious', 'critical'].includes(each.impact))
                    .map(each => each.id + ': ' + each.nodes.map(node => node.html).join(' | '))))
                """);
    }

    private static String quoted(String text) {
        return JsonMapper.shared().writeValueAsString(text);
    }

    /// The whole page as a picture.
    public void picture(Path file) throws IOException {
        JsonNode taken =
                call(
                        "Page.captureScreenshot",
                        Map.of("format", "png", "captureBeyondViewport", true));
        Files.write(file, Base64.getDecoder().decode(taken.path("data").asString()));
    }

    /// The addresses of all requests since the start.
    public List<String> requests() {
        return events.stream()
                .filter(
                        event ->
                                event.path("method").asString().equals("Network.requestWillBeSent"))
                .map(event -> event.path("params").path("request").path("url").asString())
                .toList();
    }

    /// Errors on the console of the browser since the start.
    public List<String> errors() {
        List<String> errors = new ArrayList<>();
        for (JsonNode event : events) {
            JsonNode parameters = event.path("params");
            boolean isError =
                    switch (event.path("method").asString()) {
                        case "Runtime.exceptionThrown" -> true;
                        case "Runtime.consoleAPICalled" ->
                                parameters.path("type").asString().equals("error");
                        case "Log.entryAdded" ->
                                parameters.path("entry").path("level").asString().equals("error");
                        default -> false;
                    };
            if (isError) {
                errors.add(parameters.toString());
            }
        }
        return errors;
    }

    /// The requests that send something, as `POST /path body`.
    public List<String> posts() {
        return events.stream()
                .map(event -> event.path("params").path("request"))
                .filter(request -> request.path("method").asString().equals("POST"))
                .map(
                        request ->
                                "POST "
                                        + URI.create(request.path("url").asString()).getPath()
                                        + " "
                                        + request.path("postData").asString())
                .toList();
    }

    /// Forgets requests and errors, those that the test has caused.
    public void forget() {
        events.clear();
    }

    @Override
    public void close() {
        socket.abort();
        client.close();
        // Those of the network and of the storage write the profile, too.
        List<ProcessHandle> children = chromium.descendants().toList();
        chromium.destroyForcibly().onExit().join();
        children.forEach(ProcessHandle::destroyForcibly);
        Awaitility.await()
                .atMost(Waits.LIMIT)
                .until(() -> children.stream().allMatch(Browser::ended));
    }

    /// An ended process that nobody has waited for has no command.
    private static boolean ended(ProcessHandle process) {
        return !process.isAlive() || process.info().command().isEmpty();
    }
}
