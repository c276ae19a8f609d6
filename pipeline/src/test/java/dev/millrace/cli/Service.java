package dev.millrace.cli;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.CopyOnWriteArrayList;

/// An HTTP server with prepared responses. The last response for a path is repeated.
final class Service implements AutoCloseable {

    private static final int LOST = 0;

    private final HttpServer server;
    private final Map<String, Queue<Answer>> answers = new HashMap<>();
    private final List<Request> requests = new CopyOnWriteArrayList<>();

    Service() throws IOException {
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/", this::answer);
        server.start();
    }

    Service on(String request, int status, String type, String body) {
        answers.computeIfAbsent(request, _ -> new ArrayDeque<>())
                .add(new Answer(status, type, body));
        return this;
    }

    Service json(String request, String body) {
        return on(request, 200, "application/json", body);
    }

    /// Processes the request, but closes the connection without a response.
    Service loseReply(String request) {
        return on(request, LOST, "", "");
    }

    String url() {
        return "http://localhost:" + server.getAddress().getPort();
    }

    List<Request> requests() {
        return requests;
    }

    private void answer(HttpExchange exchange) throws IOException {
        String request = exchange.getRequestMethod() + " " + exchange.getRequestURI();
        String body = new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8);
        String token = exchange.getRequestHeaders().getFirst("Authorization");
        String key = exchange.getRequestHeaders().getFirst("Idempotency-Key");
        requests.add(new Request(request, body, String.valueOf(token), String.valueOf(key)));
        Queue<Answer> queue = answers.getOrDefault(request, new ArrayDeque<>());
        Answer answer = queue.size() > 1 ? queue.poll() : queue.peek();
        if (answer == null) {
            answer = new Answer(404, "text/plain", "no such page");
        }
        if (answer.status == LOST) {
            exchange.close();
            return;
        }
        byte[] bytes = answer.body.getBytes(StandardCharsets.UTF_8);
        exchange.getResponseHeaders().set("Content-Type", answer.type);
        exchange.sendResponseHeaders(answer.status, bytes.length == 0 ? -1 : bytes.length);
        exchange.getResponseBody().write(bytes);
        exchange.close();
    }

    @Override
    public void close() {
        server.stop(0);
    }

    record Request(String line, String body, String token, String key) {}

    private record Answer(int status, String type, String body) {}
}
