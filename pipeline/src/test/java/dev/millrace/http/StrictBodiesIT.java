package dev.millrace.http;

import static dev.millrace.app.ServiceScene.JSON;
import static dev.millrace.app.ServiceScene.assertProblem;
import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.app.FakeMigration;
import dev.millrace.app.Http.Answer;
import dev.millrace.app.ServiceScene;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// Every operation that has a body refuses a field of another type, and a field that occurs twice.
class StrictBodiesIT {

    @AutoClose private static ServiceScene scene;

    @BeforeAll
    static void start() throws Exception {
        scene = ServiceScene.over(new FakeMigration());
    }

    /// A field of an operation's body, with a value of another type.
    record Field(String path, String name, String wrong, String must) {

        Answer send(String body) {
            return scene.http.post(path.replace("{id}", "7"), body, JSON);
        }
    }

    private static Stream<Field> fields() {
        JsonNode document =
                JsonMapper.shared().readTree(Problems.class.getResourceAsStream("openapi.json"));
        JsonNode schemas = document.path("components").path("schemas");
        return document.path("paths")
                .propertyStream()
                .flatMap(
                        path -> {
                            String reference =
                                    path.getValue()
                                            .at(
                                                    "/post/requestBody/content/application~1json/schema/$ref")
                                            .asString("");
                            return schemas.path(reference.replaceFirst(".*/", ""))
                                    .path("properties")
                                    .propertyStream()
                                    .map(
                                            field ->
                                                    wrong(
                                                            path.getKey(),
                                                            field.getKey(),
                                                            field.getValue()));
                        });
    }

    private static Field wrong(String path, String name, JsonNode schema) {
        String types = schema.path("type").toString();
        if (types.contains("array")) {
            String item =
                    schema.at("/items/type").toString().contains("string")
                            ? "a text"
                            : "a whole number";
            return new Field(path, name, "[true]", name + "[0]' must be " + item);
        }
        if (types.contains("boolean")) {
            return new Field(path, name, "\"true\"", "true or false");
        }
        return types.contains("string")
                ? new Field(path, name, "7", "a text")
                : new Field(path, name, "\"7\"", "a whole number");
    }

    @ParameterizedTest
    @MethodSource("fields")
    void aFieldOfAnotherTypeIsRefusedByItsName(Field field) {
        Answer answer = field.send("{\"" + field.name() + "\": " + field.wrong() + "}");

        assertProblem(answer, 400);
        assertThat(answer.json().path("detail").asString())
                .startsWith("The field '" + field.name())
                .contains(field.must());
    }

    @ParameterizedTest
    @CsvSource({
        "dryRun, 1, true or false",
        "dryRun, 1.5, true or false",
        "dryRun, '\"\"', true or false",
        "reason, true, a text",
        "reason, 1.5, a text",
        "rowsPerSecond, true, a whole number",
        "rowsPerSecond, 1.5, a whole number",
        "rowsPerSecond, '\"\"', a whole number",
        "what, '\"all\"', a list"
    })
    void noValueIsConverted(String name, String wrong, String must) {
        Answer answer =
                scene.http.post("/api/v1/throttle", "{\"" + name + "\": " + wrong + "}", JSON);

        assertProblem(answer, 400);
        assertThat(answer.json().path("detail").asString())
                .startsWith("The field '%s' must be %s.".formatted(name, must));
    }

    @ParameterizedTest
    @ValueSource(strings = {"99999999999999999999", "-99999999999999999999"})
    void aNumberOutOfRangeIsRefusedByTheNameOfItsField(String number) {
        Answer answer =
                scene.http.post("/api/v1/throttle", "{\"rowsPerSecond\": " + number + "}", JSON);

        assertProblem(answer, 400);
        assertThat(answer.json().path("detail").asString())
                .startsWith("The number in field 'rowsPerSecond' is out of range.");
    }

    @Test
    void aFieldThatOccursTwiceIsRefusedByItsName() {
        Map<String, Field> ofEach =
                fields().collect(Collectors.toMap(Field::path, field -> field, (one, _) -> one));

        assertThat(ofEach).hasSizeGreaterThan(15);
        for (Field field : ofEach.values()) {
            Answer answer = field.send("{\"%1$s\": null, \"%1$s\": null}".formatted(field.name()));
            assertProblem(answer, 400);
            assertThat(answer.json().path("detail").asString())
                    .startsWith("The field '" + field.name() + "' occurs twice.");
        }
    }
}
