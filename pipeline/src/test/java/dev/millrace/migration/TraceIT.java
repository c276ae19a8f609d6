package dev.millrace.migration;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpServer;
import dev.millrace.spec.MigrationSpec.Backfill;
import dev.millrace.testing.Waits;
import dev.millrace.trace.OtlpExporter;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.stream.Collectors;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// One trace of a source transaction, as a collector receives it.
class TraceIT {

    private final List<String> bodies = new CopyOnWriteArrayList<>();

    @Test
    void aTransactionIsOneTraceFromCaptureToApply() throws Exception {
        HttpServer collector = collector();
        try (OtlpExporter _ =
                        OtlpExporter.install(
                                URI.create("http://127.0.0.1:" + collector.getAddress().getPort()),
                                1,
                                InstantSource.system());
                MigrationScene scene =
                        new MigrationScene()
                                .backfill(Backfill.WINDOWS)
                                .table("doc", "id int PRIMARY KEY, title text")) {
            scene.source.execute("INSERT INTO doc VALUES (1, 'existing-4711')");
            scene.start();
            scene.awaitPhase("IN_SYNC");
            Instant before = Instant.now();

            scene.source.execute("INSERT INTO doc VALUES (2, 'somebody-4711')");

            Awaitility.await()
                    .atMost(Waits.LIMIT)
                    .until(
                            () ->
                                    spans().stream()
                                            .anyMatch(span -> text(span, "name").equals("apply")));
            Map<String, JsonNode> spans =
                    spans().stream()
                            .collect(Collectors.toMap(span -> text(span, "name"), span -> span));
            assertThat(spans).containsOnlyKeys("capture", "mappings", "apply");
            JsonNode capture = Objects.requireNonNull(spans.get("capture"));
            JsonNode mappings = Objects.requireNonNull(spans.get("mappings"));
            JsonNode apply = Objects.requireNonNull(spans.get("apply"));
            assertThat(spans.values())
                    .extracting(span -> text(span, "traceId"))
                    .allMatch(id -> id.matches("[0-9a-f]{32}"))
                    .containsOnly(text(capture, "traceId"));
            assertThat(capture.has("parentSpanId")).isFalse();
            assertThat(text(mappings, "parentSpanId")).isEqualTo(text(capture, "spanId"));
            assertThat(text(apply, "parentSpanId")).isEqualTo(text(mappings, "spanId"));
            assertThat(spans.values())
                    .allSatisfy(
                            span ->
                                    assertThat(nanos(span, "endTimeUnixNano"))
                                            .isGreaterThanOrEqualTo(
                                                    nanos(span, "startTimeUnixNano")));
            assertThat(nanos(capture, "startTimeUnixNano"))
                    .isGreaterThan((before.toEpochMilli() - 1_000) * 1_000_000);
            assertThat(String.join("", bodies)).doesNotContain("existing-4711", "somebody-4711");
        } finally {
            collector.stop(0);
        }
    }

    private HttpServer collector() throws IOException {
        HttpServer server =
                HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext(
                "/v1/traces",
                exchange -> {
                    bodies.add(
                            new String(
                                    exchange.getRequestBody().readAllBytes(),
                                    StandardCharsets.UTF_8));
                    exchange.sendResponseHeaders(200, -1);
                    exchange.close();
                });
        server.start();
        return server;
    }

    private List<JsonNode> spans() {
        return bodies.stream()
                .map(body -> JsonMapper.shared().readTree(body))
                .flatMap(
                        body ->
                                body.path("resourceSpans")
                                        .path(0)
                                        .path("scopeSpans")
                                        .path(0)
                                        .path("spans")
                                        .valueStream())
                .toList();
    }

    private static String text(JsonNode span, String field) {
        return span.path(field).asString();
    }

    private static long nanos(JsonNode span, String field) {
        return Long.parseLong(text(span, field));
    }
}
