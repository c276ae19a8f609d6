package dev.millrace.demo;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import dev.millrace.demo.Demo.MigrationService;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicReference;

/// Answers like the service: a sequence of statuses, of which the last is repeated, one verdict,
/// and operations that end in the given state.
final class StandInService implements MigrationService {

    final AtomicReference<Path> specFile = new AtomicReference<>();
    final AtomicReference<String> posted = new AtomicReference<>("");
    private final Deque<String> phases;
    private final String verdict;
    private final String end;
    final List<String> moves = new CopyOnWriteArrayList<>();
    volatile Runnable onRollback = () -> {};
    private volatile boolean closed;

    StandInService(List<String> phases, String verdict) {
        this(phases, verdict, "done");
    }

    /// @param end the state in which an operation ends
    StandInService(List<String> phases, String verdict, String end) {
        this.phases = new ArrayDeque<>(phases);
        this.verdict = verdict;
        this.end = end;
    }

    boolean isClosed() {
        return closed;
    }

    @Override
    public Running start(Path file, int port) {
        specFile.set(file);
        try {
            HttpServer server =
                    HttpServer.create(
                            new InetSocketAddress(InetAddress.getByName("127.0.0.1"), port), 0);
            server.createContext("/api/v1/status", exchange -> answer(exchange, status()));
            server.createContext("/api/v1/reconciliations", this::reconciliations);
            for (String kind : List.of("switchover", "rollback")) {
                server.createContext("/api/v1/" + kind, exchange -> begin(exchange, kind));
            }
            server.createContext(
                    "/api/v1/operations/o1", exchange -> answer(exchange, operation()));
            server.start();
            return new Answering(server);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private final class Answering implements Running {

        private final HttpServer server;

        Answering(HttpServer server) {
            this.server = server;
        }

        @Override
        public URI address() {
            return URI.create("http://127.0.0.1:" + server.getAddress().getPort());
        }

        @Override
        public void close() {
            server.stop(0);
            closed = true;
        }
    }

    private synchronized String status() {
        String phase = phases.size() > 1 ? phases.removeFirst() : phases.getFirst();
        return "{\"phase\":\""
                + phase
                + "\",\"lag\":{\"records\":null},\"tables\":[{\"target\":\"crm.customer\","
                + "\"backfill\":{\"rowsDone\":7,\"rowsEstimated\":9,\"done\":false}}],"
                + "\"blockers\":[\"the disk is full\"]}";
    }

    private void begin(HttpExchange exchange, String kind) throws IOException {
        moves.add(kind);
        if (kind.equals("rollback")) {
            onRollback.run();
        }
        answer(exchange, "{\"operation\":{\"id\":\"o1\",\"state\":\"running\"}}");
    }

    private String operation() {
        return "{\"id\":\"o1\",\"state\":\""
                + end
                + "\",\"pauseMs\":412,\"outcome\":\"The application writes elsewhere.\",\"steps\":[{"
                + "\"name\":\"fence\",\"state\":\"done\",\"seconds\":0.048,\"note\":\"3 tables\"}]}";
    }

    private void reconciliations(HttpExchange exchange) throws IOException {
        if (exchange.getRequestMethod().equals("POST")) {
            posted.set(
                    new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8));
            answer(exchange, "{\"id\":\"r1\"}");
        } else if (exchange.getRequestURI().getPath().endsWith("/r1")) {
            answer(
                    exchange,
                    "{\"verdict\":\""
                            + verdict
                            + "\",\"finishedAt\":\"2026-01-01T00:00:00Z\",\"tables\":[{\"target\":"
                            + "\"crm.customer\",\"verdict\":\""
                            + verdict
                            + "\",\"sourceRows\":12345,\"targetRows\":12344,\"mismatches\":[{"
                            + "\"kind\":\"missing\",\"key\":{\"id\":\"5\"},\"columns\":[]}]}]}");
        }
    }

    private static void answer(HttpExchange exchange, String json) throws IOException {
        byte[] body = json.getBytes(StandardCharsets.UTF_8);
        exchange.getResponseHeaders().set("Content-Type", "application/json");
        exchange.sendResponseHeaders(200, body.length);
        exchange.getResponseBody().write(body);
        exchange.close();
    }
}
