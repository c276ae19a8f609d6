package dev.millrace.route;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import dev.millrace.route.TrafficRoute.Attempt;
import dev.millrace.route.TrafficRoute.Direction;
import dev.millrace.route.TrafficRoute.Finding;
import dev.millrace.route.TrafficRoute.Outcome;
import dev.millrace.spec.Secret;
import dev.millrace.spec.switchover.Switchover.Route;
import dev.millrace.testing.Waits;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedDeque;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// Requests to a real HTTP server.
class WebhookRouteTest {

    private static final Attempt SWITCH = new Attempt("shop", "op7", Direction.SWITCH, "op7.1");
    private static final int SILENT = 0;
    private static final int BROKEN = -1;

    private record Seen(String method, String path, String key, String token, JsonNode body) {}

    private final List<Seen> seen = new CopyOnWriteArrayList<>();
    private final ConcurrentLinkedDeque<Integer> answers = new ConcurrentLinkedDeque<>();
    private final CountDownLatch ended = new CountDownLatch(1);
    private final ExecutorService threads = Executors.newCachedThreadPool();
    private HttpServer server = start();

    private HttpServer start() {
        try {
            HttpServer started =
                    HttpServer.create(
                            new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
            started.createContext("/", this::handle);
            started.setExecutor(threads);
            return started;
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    @BeforeEach
    void listen() {
        server.start();
    }

    @AfterEach
    void end() {
        ended.countDown();
        server.stop(0);
        threads.shutdownNow();
    }

    private void handle(HttpExchange exchange) throws IOException {
        String body = new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8);
        seen.add(
                new Seen(
                        exchange.getRequestMethod(),
                        exchange.getRequestURI().toString(),
                        String.valueOf(exchange.getRequestHeaders().getFirst("Idempotency-Key")),
                        String.valueOf(exchange.getRequestHeaders().getFirst("Authorization")),
                        JsonMapper.shared().readTree(body)));
        int answer = answers.size() > 1 ? answers.removeFirst() : answers.getFirst();
        if (answer == BROKEN) {
            throw new IOException("The connection is closed without an answer.");
        }
        if (answer == SILENT) {
            try {
                ended.await();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
            return;
        }
        if (answer / 100 == 3) {
            exchange.getResponseHeaders().add("Location", "/elsewhere");
        }
        exchange.sendResponseHeaders(answer, -1);
        exchange.close();
    }

    /// Only a server that never answers makes the route wait for its timeout.
    private WebhookRoute route(Integer... status) {
        answers.addAll(List.of(status));
        Duration timeout = answers.contains(SILENT) ? Duration.ofSeconds(1) : Waits.LIMIT;
        return new WebhookRoute(
                new Route.Webhook(
                        URI.create(
                                "http://127.0.0.1:"
                                        + server.getAddress().getPort()
                                        + "/hidden?key=hidden"),
                        Secret.of("hunter2"),
                        timeout));
    }

    @Test
    void sendsOneRequestThatNamesTheOperation() {
        assertThat(route(204).route(SWITCH)).isEqualTo(new Outcome.Routed());

        assertThat(seen).hasSize(1);
        Seen request = seen.getFirst();
        assertThat(request.method()).isEqualTo("POST");
        assertThat(request.path()).isEqualTo("/hidden?key=hidden");
        assertThat(request.key()).isEqualTo("op7.1");
        assertThat(request.token()).isEqualTo("Bearer hunter2");
        assertThat(request.body())
                .isEqualTo(
                        JsonMapper.shared()
                                .readTree(
                                        "{\"migration\":\"shop\",\"operation\":\"op7\","
                                                + "\"direction\":\"switch\"}"));
    }

    @ParameterizedTest
    @CsvSource({"503", "500", "408", "409", "-1", "0"})
    void anUnknownAnswerIsAskedAgainWithTheSameKey(int first) {
        assertThat(route(first, 200).route(SWITCH)).isEqualTo(new Outcome.Routed());

        assertThat(seen).extracting(Seen::key).hasSizeGreaterThan(1).containsOnly("op7.1");
    }

    @ParameterizedTest
    @CsvSource({"503", "409", "-1", "0"})
    void anAnswerThatStaysUnknownIsAQuestion(int answer) {
        assertThat(route(answer).route(SWITCH))
                .isInstanceOfSatisfying(
                        Outcome.Unknown.class,
                        unknown ->
                                assertThat(unknown.question())
                                        .contains("Idempotency-Key op7.1", "(switch)")
                                        .doesNotContain("hidden", "hunter2"));
        assertThat(seen).hasSizeGreaterThanOrEqualTo(3);
    }

    @ParameterizedTest
    @ValueSource(ints = {400, 401, 404, 422})
    void aRefusalIsNoRoutingAndNotAskedAgain(int status) {
        assertThat(route(status).route(SWITCH))
                .isInstanceOfSatisfying(
                        Outcome.NotRouted.class,
                        not ->
                                assertThat(not.reason())
                                        .contains("status " + status)
                                        .doesNotContain("hidden", "hunter2"));
        assertThat(seen).hasSize(1);
    }

    @Test
    void aRefusalAfterAnUnknownAnswerDoesNotProveThatNothingHappened() {
        assertThat(route(500, 404).route(SWITCH)).isInstanceOf(Outcome.Unknown.class);
    }

    @Test
    void aServerThatIsTooBusyToBeginHasDoneNothing() {
        assertThat(route(429).route(SWITCH)).isInstanceOf(Outcome.NotRouted.class);
        assertThat(seen).hasSize(3);
    }

    @ParameterizedTest
    @ValueSource(ints = {301, 302, 307, 308})
    void aRedirectIsNotFollowed(int status) {
        assertThat(route(status).route(SWITCH))
                .isInstanceOfSatisfying(
                        Outcome.NotRouted.class,
                        not -> assertThat(not.reason()).contains("redirects are not followed"));
        assertThat(seen).hasSize(1);
    }

    @Test
    void aServerThatIsDownIsFoundAndIsNoRouting() {
        WebhookRoute route = route(200);

        assertThat(route.check(Direction.SWITCH))
                .extracting(Finding::status)
                .containsExactly(Finding.Status.OK);
        assertThat(seen).isEmpty();
        server.stop(0);
        assertThat(route.check(Direction.SWITCH))
                .extracting(Finding::status)
                .containsExactly(Finding.Status.UNREACHABLE);
        assertThat(route.route(SWITCH))
                .isInstanceOfSatisfying(
                        Outcome.NotRouted.class,
                        not -> assertThat(not.reason()).contains("no connection"));
    }

    @Test
    void aServerWithoutTlsIsRefusedWhereTheUrlSaysHttps() {
        WebhookRoute route =
                new WebhookRoute(
                        new Route.Webhook(
                                URI.create("https://127.0.0.1:" + server.getAddress().getPort()),
                                Secret.NONE,
                                Duration.ofSeconds(1)));

        assertThat(route.check(Direction.SWITCH))
                .extracting(Finding::status)
                .doesNotContain(Finding.Status.OK);
        assertThat(route.route(SWITCH)).isNotInstanceOf(Outcome.Routed.class);
        assertThat(seen).isEmpty();
    }
}
