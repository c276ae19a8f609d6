package dev.millrace.app;

import static dev.millrace.app.ServiceScene.JSON;
import static dev.millrace.app.ServiceScene.assertProblem;
import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.app.ApiDocument.Route;
import dev.millrace.app.Http.Answer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.web.servlet.mvc.method.annotation.RequestMappingHandlerMapping;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.SerializationFeature;
import tools.jackson.databind.json.JsonMapper;

/// The OpenAPI document describes the API as it is, and every wrong request of every route is
/// answered with a problem. `-Dopenapi=accept` writes the document.
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class ApiDocumentIT {

    private static final JsonMapper PRETTY =
            JsonMapper.builder().enable(SerializationFeature.INDENT_OUTPUT).build();
    private static final Path FILE =
            Path.of("src", "main", "resources", "dev", "millrace", "http", "openapi.json");

    /// A kind of JSON that no field of a request has.
    private static final String WRONG = "{\"%s\": {\"a\": 1}}";

    @AutoClose private final ServiceScene scene = open();
    @AutoClose private final ServiceScene guarded = openGuarded();

    private static ServiceScene open() {
        try {
            return ServiceScene.over(new FakeMigration());
        } catch (Exception e) {
            throw new IllegalStateException(e);
        }
    }

    private static ServiceScene openGuarded() {
        try {
            return ServiceScene.guarded();
        } catch (Exception e) {
            throw new IllegalStateException(e);
        }
    }

    @BeforeAll
    void readTheRoutes() {
        assertThat(routes()).hasSizeGreaterThan(20);
    }

    @AfterEach
    void forget() {
        scene.migration.refusal = null;
    }

    private List<Route> routes() {
        return scene
                .service
                .bean("requestMappingHandlerMapping", RequestMappingHandlerMapping.class)
                .getHandlerMethods()
                .entrySet()
                .stream()
                .filter(
                        each ->
                                each.getValue()
                                        .getBeanType()
                                        .getName()
                                        .startsWith("dev.millrace.http."))
                .flatMap(
                        each ->
                                each.getKey().getPatternValues().stream()
                                        .flatMap(
                                                path ->
                                                        each
                                                                .getKey()
                                                                .getMethodsCondition()
                                                                .getMethods()
                                                                .stream()
                                                                .map(
                                                                        verb ->
                                                                                new Route(
                                                                                        verb.name()
                                                                                                .toLowerCase(
                                                                                                        Locale
                                                                                                                .ROOT),
                                                                                        path,
                                                                                        each.getValue()
                                                                                                .getMethod()))))
                .sorted(Route.ORDER)
                .toList();
    }

    @Test
    void theCommittedDocumentIsTheOneThatTheCodeGives() throws IOException {
        String written = PRETTY.writeValueAsString(ApiDocument.of(routes())) + "\n";
        if (System.getProperty("openapi", "").equals("accept")) {
            Files.writeString(FILE, written);
        }

        assertThat(Files.readString(FILE))
                .as("review the change, then run this test with -Dopenapi=accept")
                .isEqualTo(written);
    }

    @Test
    void theServiceServesTheCommittedDocument() throws IOException {
        Answer answer = scene.http.get("/api/v1/openapi.json");

        assertThat(answer.status()).isEqualTo(200);
        assertThat(answer.header("Content-Type")).isEqualTo("application/json");
        assertThat(answer.body()).isEqualTo(Files.readString(FILE));
        assertThat(answer.json().path("openapi").asString()).isEqualTo("3.1.0");
    }

    @Test
    void everyReferenceOfTheDocumentExistsAndEverySchemaIsUsed() {
        JsonNode document = ApiContract.document();
        List<String> used =
                document.findValuesAsString("$ref").stream().distinct().sorted().toList();

        assertThat(used)
                .allSatisfy(
                        reference ->
                                assertThat(document.at(reference.substring(1)).isObject())
                                        .as(reference)
                                        .isTrue());
        assertThat(document.path("components").path("schemas").propertyNames())
                .allSatisfy(name -> assertThat(used).contains("#/components/schemas/" + name));
    }

    /// @param path with an id that no object has
    private record Call(String verb, String path, JsonNode operation) {

        boolean hasBody() {
            return operation.has("requestBody");
        }

        Stream<String> fields() {
            String name =
                    operation
                            .at("/requestBody/content/application~1json/schema/$ref")
                            .asString("")
                            .replaceFirst(".*/", "");
            return ApiContract.document()
                    .path("components")
                    .path("schemas")
                    .path(name)
                    .path("properties")
                    .propertyNames()
                    .stream();
        }

        @Override
        public String toString() {
            return verb + " " + path;
        }
    }

    private static Stream<Call> calls() {
        return ApiContract.document().path("paths").properties().stream()
                .filter(each -> each.getKey().startsWith("/api/"))
                .flatMap(
                        path ->
                                path.getValue().properties().stream()
                                        .map(
                                                each ->
                                                        new Call(
                                                                each.getKey()
                                                                        .toUpperCase(Locale.ROOT),
                                                                path.getKey()
                                                                        .replace(
                                                                                "{id}",
                                                                                "00000000-0000-0000-0000-00000000abcd"),
                                                                each.getValue())));
    }

    private static Stream<Call> changes() {
        return calls().filter(Call::hasBody);
    }

    private Answer send(Call call, String body) {
        return scene.http.send(call.verb(), call.path(), body, JSON);
    }

    @ParameterizedTest
    @MethodSource("changes")
    void aWrongBodyIsAProblem(Call call) {
        List<String> bodies =
                Stream.concat(
                                Stream.of("", "{", "[]", "null", "7", "\"x\"", "{\"nope\": 1}"),
                                call.fields().map(WRONG::formatted))
                        .toList();

        assertThat(bodies).hasSizeGreaterThan(9);
        for (String body : bodies) {
            Answer answer = send(call, body);
            assertProblem(answer, 400);
            assertThat(answer.json().path("detail").asString()).contains("Send JSON");
        }
    }

    @ParameterizedTest
    @MethodSource("changes")
    void aBodyOfAnotherTypeIsAProblem(Call call) {
        assertProblem(scene.http.send(call.verb(), call.path(), "{}"), 415);
        assertProblem(
                scene.http.send(call.verb(), call.path(), "{}", "Content-Type: text/plain"), 415);
    }

    @ParameterizedTest
    @MethodSource("calls")
    void aWrongParameterIsAProblem(Call call) {
        for (JsonNode parameter : call.operation().path("parameters")) {
            if (parameter.path("in").asString().equals("query")
                    && parameter.path("schema").path("type").asString().equals("integer")) {
                String name = parameter.path("name").asString();
                for (String value : List.of("x", "-1", "1e3", "99999999999999999999")) {
                    assertProblem(
                            scene.http.send(
                                    call.verb(),
                                    call.path() + "?topic=target&" + name + "=" + value,
                                    ""),
                            400);
                }
            }
        }
    }

    @ParameterizedTest
    @MethodSource("calls")
    void anUnknownIdIsAProblem(Call call) {
        if (call.path().contains("abcd")) {
            for (String id : List.of("0000abcd", "x", "%20", "1")) {
                Answer answer =
                        scene.http.send(
                                call.verb(),
                                call.path().replace("00000000-0000-0000-0000-00000000abcd", id),
                                call.hasBody() ? "{\"reason\": \"r\"}" : "",
                                JSON);
                assertThat(answer.status()).as(answer.body()).isBetween(400, 409);
                assertProblem(answer, answer.status());
            }
        }
    }

    @ParameterizedTest
    @MethodSource("calls")
    void anotherHostOriginOrTokenIsAProblem(Call call) {
        assertProblem(
                scene.http.send(call.verb(), call.path(), "{}", JSON, "Host: evil.example"), 403);
        assertProblem(
                scene.http.send(
                        call.verb(), call.path(), "{}", JSON, "Origin: http://evil.example"),
                403);
        assertProblem(guarded.http.send(call.verb(), call.path(), "{}", JSON), 401);
        assertProblem(
                guarded.http.send(
                        call.verb(), call.path(), "{}", JSON, "Authorization: Bearer wrong"),
                401);
    }

    @ParameterizedTest
    @MethodSource("calls")
    void anotherMethodOrPathIsAProblem(Call call) {
        Answer patch = scene.http.send("PATCH", call.path(), "{}", JSON);
        assertProblem(patch, 405);
        assertThat(patch.header("Allow")).contains(call.verb());
        assertProblem(scene.http.send(call.verb(), call.path() + "/no/such/path", "{}", JSON), 404);
    }

    @ParameterizedTest
    @MethodSource("calls")
    void aClientThatAcceptsNoJsonChangesNothing(Call call) {
        scene.migration.changes.clear();
        scene.migration.asked.clear();
        Answer answer =
                scene.http.send(
                        call.verb(),
                        call.path() + "?topic=target",
                        "{}",
                        JSON,
                        "Accept: image/png");

        if (call.operation().path("responses").has("406")) {
            assertProblem(answer, 406);
        } else if (answer.status() >= 400) {
            assertProblem(answer, answer.status());
        }
        assertThat(scene.migration.changes).isEmpty();
        assertThat(scene.migration.asked).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(strings = {"/nope", "/api", "/api/v1", "/api/v1/status/", "/actuator/nope"})
    void anUnknownPathIsAProblem(String path) {
        assertProblem(scene.http.get(path), 404);
    }

    @Test
    void theActuatorsAnswerAsDocumented() {
        Map<String, String> types =
                Map.of(
                        "/actuator/health/liveness",
                        "application/vnd.spring-boot.actuator.v3+json",
                        "/actuator/health/readiness",
                        "application/vnd.spring-boot.actuator.v3+json",
                        "/actuator/prometheus",
                        "text/plain");
        types.forEach(
                (path, type) -> {
                    Answer answer = scene.http.get(path);
                    JsonNode responses =
                            ApiContract.document()
                                    .path("paths")
                                    .path(path)
                                    .path("get")
                                    .path("responses");
                    assertThat(answer.header("Content-Type")).startsWith(type);
                    assertThat(
                                    responses
                                            .path(String.valueOf(answer.status()))
                                            .path("content")
                                            .has(type))
                            .as(path + " " + answer.status())
                            .isTrue();
                });
    }
}
