package dev.millrace.trace;

import dev.millrace.lifecycle.Reason;
import dev.millrace.trace.Traces.Span;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/// Sends spans to an OpenTelemetry collector by OTLP over HTTP, encoded as JSON. Never delays the
/// stages: spans that do not fit in the queue, or that the collector does not take, are dropped.
/// Thread-safe.
public final class OtlpExporter implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(OtlpExporter.class);
    private static final Duration INTERVAL = Duration.ofMillis(500);
    private static final Duration TIMEOUT = Duration.ofSeconds(5);
    private static final int QUEUE = 8_192;
    private static final int MOST_AT_ONCE = 512;
    private static final int INTERNAL = 1;

    private final URI traces;
    private final HttpClient client;
    private final BlockingQueue<Span> queue = new ArrayBlockingQueue<>(QUEUE);
    private final CountDownLatch closed = new CountDownLatch(1);
    private final Thread thread;
    private boolean failing;

    private OtlpExporter(URI endpoint) {
        String base = endpoint.toString();
        this.traces = URI.create(base + (base.endsWith("/") ? "" : "/") + "v1/traces");
        this.client = HttpClient.newBuilder().connectTimeout(TIMEOUT).build();
        this.thread = Thread.ofPlatform().daemon().name("traces").unstarted(this::send);
    }

    /// Samples transactions for the whole process from now on, until [#close].
    ///
    /// @param endpoint as `OTEL_EXPORTER_OTLP_ENDPOINT` has it, without `/v1/traces`
    /// @param ratio of the source transactions that are sampled
    /// @throws IllegalArgumentException if the endpoint is no HTTP address, or the ratio is not
    ///   from 0 to 1
    public static OtlpExporter install(URI endpoint, double ratio, InstantSource clock) {
        boolean isHttp =
                "http".equals(endpoint.getScheme()) || "https".equals(endpoint.getScheme());
        if (!isHttp || endpoint.getHost() == null) {
            throw new IllegalArgumentException("No HTTP address: " + endpoint);
        }
        if (!(ratio >= 0 && ratio <= 1)) {
            throw new IllegalArgumentException("No ratio: " + ratio);
        }
        OtlpExporter exporter = new OtlpExporter(endpoint);
        exporter.thread.start();
        Traces.install(new Traces(ratio, clock, exporter.queue::offer));
        return exporter;
    }

    private void send() {
        try {
            boolean isLast;
            do {
                isLast = closed.await(INTERVAL.toMillis(), TimeUnit.MILLISECONDS);
                List<Span> spans = new ArrayList<>();
                while (queue.drainTo(spans, MOST_AT_ONCE) > 0) {
                    post(spans);
                    spans.clear();
                }
            } while (!isLast);
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
    }

    private void post(List<Span> spans) throws InterruptedException {
        HttpRequest request =
                HttpRequest.newBuilder(traces)
                        .timeout(TIMEOUT)
                        .header("Content-Type", "application/json")
                        .POST(HttpRequest.BodyPublishers.ofString(json(spans)))
                        .build();
        try {
            HttpResponse<Void> answer =
                    client.send(request, HttpResponse.BodyHandlers.discarding());
            if (answer.statusCode() / 100 == 2) {
                failing = false;
            } else {
                failed("HTTP status " + answer.statusCode(), null);
            }
        } catch (IOException e) {
            failed(Reason.of(e).orElse(e.getClass().getSimpleName()), e);
        }
    }

    /// Once until it works again.
    private void failed(String reason, @Nullable Exception cause) {
        if (!failing) {
            failing = true;
            LOG.atWarn()
                    .addKeyValue("reason", reason)
                    .setCause(cause)
                    .log("the collector does not take traces; they are dropped");
        }
    }

    private static String json(List<Span> spans) {
        ObjectNode body = JsonMapper.shared().createObjectNode();
        ObjectNode resource = body.putArray("resourceSpans").addObject();
        attributes(resource.putObject("resource"), Map.of("service.name", "millrace"));
        ObjectNode scope = resource.putArray("scopeSpans").addObject();
        scope.putObject("scope").put("name", "dev.millrace");
        ArrayNode all = scope.putArray("spans");
        for (Span span : spans) {
            ObjectNode one = all.addObject();
            one.put("traceId", span.context().traceId());
            one.put("spanId", span.context().spanId());
            if (span.parent() != null) {
                one.put("parentSpanId", span.parent());
            }
            one.put("name", span.name());
            one.put("kind", INTERNAL);
            one.put("startTimeUnixNano", nanos(span.start()));
            one.put("endTimeUnixNano", nanos(span.end()));
            attributes(one, span.attributes());
        }
        return body.toString();
    }

    private static void attributes(ObjectNode of, Map<String, String> values) {
        ArrayNode attributes = of.putArray("attributes");
        values.forEach(
                (key, value) ->
                        attributes
                                .addObject()
                                .put("key", key)
                                .putObject("value")
                                .put("stringValue", value));
    }

    private static String nanos(Instant at) {
        return String.valueOf(at.getEpochSecond() * 1_000_000_000L + at.getNano());
    }

    /// Switches traces off for streams that start later, and sends what is left.
    @Override
    public void close() {
        Traces.install(null);
        closed.countDown();
        try {
            thread.join(TIMEOUT);
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
    }
}
