package dev.millrace.migration;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import dev.millrace.spec.Secret;
import dev.millrace.spec.switchover.Switchover.Route;
import dev.millrace.testing.TestDatabase;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.time.Duration;
import java.util.Objects;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.json.JsonMapper;

/// A webhook that routes the clients of a bank by their flag table, unless a test has prepared
/// another answer.
final class RoutingHook implements AutoCloseable {

    private static final JsonMapper JSON = JsonMapper.builder().build();

    private final HttpServer server;
    private final Queue<Answer> prepared = new ConcurrentLinkedQueue<>();
    private final Queue<Throwable> failures = new ConcurrentLinkedQueue<>();
    private final AtomicInteger requests = new AtomicInteger();
    private @Nullable TestDatabase flagged;

    /// The answer to one request.
    interface Answer {

        /// @param side `source` or `target`, where the clients are to be routed
        /// @return the HTTP status
        int to(String side) throws Exception;
    }

    RoutingHook() throws IOException {
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/", this::handle);
        server.start();
    }

    /// The route of a bank whose flag is in the scene's source.
    Route of(MigrationScene scene) {
        flagged = scene.source;
        return new Route.Webhook(
                URI.create("http://127.0.0.1:" + server.getAddress().getPort() + "/"),
                Secret.NONE,
                Duration.ofSeconds(20));
    }

    /// Answers the next requests of this number.
    void answer(int times, Answer answer) {
        for (int i = 0; i < times; i++) {
            prepared.add(answer);
        }
    }

    /// Routes, and answers that it did.
    int route(String side) {
        Objects.requireNonNull(flagged).execute("UPDATE app.routing SET active = '" + side + "'");
        return 200;
    }

    int requests() {
        return requests.get();
    }

    /// @throws AssertionError if an answer has failed
    void requireAnswered() {
        for (Throwable failure : failures) {
            throw new AssertionError(failure);
        }
    }

    private void handle(HttpExchange exchange) throws IOException {
        requests.incrementAndGet();
        String direction =
                JSON.readTree(exchange.getRequestBody()).path("direction").stringValue("");
        String side = direction.equals("switch") ? "target" : "source";
        Answer answer = Objects.requireNonNullElse(prepared.poll(), this::route);
        int status;
        try {
            status = answer.to(side);
        } catch (Exception | AssertionError e) {
            failures.add(e);
            status = 500;
        }
        exchange.sendResponseHeaders(status, -1);
        exchange.close();
    }

    @Override
    public void close() {
        server.stop(0);
    }
}
