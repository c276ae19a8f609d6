package dev.millrace.app;

import com.networknt.schema.InputFormat;
import com.networknt.schema.Schema;
import com.networknt.schema.SchemaRegistry;
import com.networknt.schema.SpecificationVersion;
import dev.millrace.app.Http.Answer;
import dev.millrace.http.MigrationApi;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Comparator;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/// The committed OpenAPI document, as the tests use it: each answer of the service must be one that
/// it describes, with every field. Thread-safe.
final class ApiContract {

    private static final JsonMapper JSON = JsonMapper.builder().build();
    private static final JsonNode DOCUMENT = read();
    private static final SchemaRegistry REGISTRY =
            SchemaRegistry.withDefaultDialect(SpecificationVersion.DRAFT_2020_12);
    private static final Map<JsonNode, Schema> COMPILED = new ConcurrentHashMap<>();

    private ApiContract() {}

    static JsonNode document() {
        return DOCUMENT;
    }

    private static JsonNode read() {
        try (InputStream document =
                Objects.requireNonNull(MigrationApi.class.getResourceAsStream("openapi.json"))) {
            return JSON.readTree(document);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /// @throws AssertionError if the document does not describe the answer
    static void check(String method, String target, Answer answer) {
        Optional<JsonNode> operation = operation(method, target.replaceFirst("\\?.*", ""));
        if (operation.isEmpty() || !answer.whole() || isOfTheServer(answer)) {
            return;
        }
        String what = "%s %s answered %d".formatted(method, target, answer.status());
        JsonNode response = operation.get().path("responses").path(String.valueOf(answer.status()));
        if (response.isMissingNode()) {
            throw new AssertionError(what + ", which is not in openapi.json: " + answer.body());
        }
        String type = answer.header("Content-Type").replaceFirst(" *;.*", "");
        JsonNode schema = response.path("content").path(type).path("schema");
        if (schema.isMissingNode()) {
            throw new AssertionError(what + " with " + type + ", which is not in openapi.json");
        }
        if (type.endsWith("json") && !type.endsWith("ndjson")) {
            var violations =
                    COMPILED.computeIfAbsent(schema, ApiContract::compile)
                            .validate(answer.body(), InputFormat.JSON);
            if (!violations.isEmpty()) {
                throw new AssertionError(what + ": " + violations + "\n" + answer.body());
            }
        }
    }

    /// The web server itself answers what is not a valid HTTP request.
    private static boolean isOfTheServer(Answer answer) {
        return answer.status() == 400 && answer.body().contains("The server does not accept");
    }

    private static Optional<JsonNode> operation(String method, String path) {
        return DOCUMENT.path("paths").properties().stream()
                .filter(each -> each.getKey().startsWith("/api/"))
                .filter(each -> path.matches(each.getKey().replaceAll("\\{\\w+}", "[^/]+")))
                .filter(each -> each.getValue().has(method.toLowerCase(Locale.ROOT)))
                // A fixed name comes before a parameter.
                .min(Comparator.comparing(each -> each.getKey().contains("{")))
                .map(each -> each.getValue().path(method.toLowerCase(Locale.ROOT)));
    }

    /// Fields may be added to answers, but not without the document.
    private static Schema compile(JsonNode schema) {
        ObjectNode whole = JSON.createObjectNode();
        whole.setAll((ObjectNode) schema.deepCopy());
        JsonNode components = DOCUMENT.path("components").deepCopy();
        whole.set("components", components);
        components
                .path("schemas")
                .properties()
                .forEach(
                        each -> {
                            ObjectNode component = (ObjectNode) each.getValue();
                            if (component.has("properties")
                                    && !component.has("additionalProperties")) {
                                component.put("additionalProperties", false);
                            }
                        });
        return REGISTRY.getSchema(JSON.writeValueAsString(whole), InputFormat.JSON);
    }
}
