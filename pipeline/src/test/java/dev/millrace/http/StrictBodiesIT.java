package dev.millrace.http;

import static dev.millrace.app.ServiceScene.JSON;
import static dev.millrace.app.ServiceScene.assertProblem;
import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.app.FakeMigration;
import dev.millrace.app.Http.Answer;
import dev.millrace.app.ServiceScene;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// Every operation that has a body refuses a field of another type, and a field that is there
/// twice.
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
                                    .flatMap(
                                            field ->
                                                    wrong(
                                                            path.getKey(),
                                                            field.getKey(),
                                                            field.getValue()));
                        });
    }

    private static Stream<Field> wrong(String path, String name, JsonNode schema) {
        String types = schema.path("type").toString();
        if (types.contains("array")) {
            return Stream.of(
                    new Field(path, name, "\"a\"", "a list"),
                    new Field(
                            path,
                            name,
                            "[true]",
                            name
                                    + "[0]' must be "
                                    + (schema.at("/items/type").toString().contains("string")
                                            ? "a text"
                                            : "a whole number")));
        }
        String must =
                types.contains("boolean")
                        ? "true or false"
                        : types.contains("string") ? "a text" : "number";
        return Stream.of("\"true\"", "1.5", "true", "\"\"", "7")
                .filter(
                        value ->
                                switch (must) {
                                    case "true or false" -> !value.equals("true");
                                    case "a text" -> !value.startsWith("\"");
                                    default -> value.startsWith("\"") || value.equals("true");
                                })
                .map(value -> new Field(path, name, value, must));
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

    @Test
    void aFieldThatIsThereTwiceIsRefusedByItsName() {
        List<Field> fields = fields().toList();

        assertThat(fields.stream().map(Field::path).distinct()).hasSizeGreaterThan(15);
        for (Field field : fields) {
            Answer answer = field.send("{\"%1$s\": null, \"%1$s\": null}".formatted(field.name()));
            assertProblem(answer, 400);
            assertThat(answer.json().path("detail").asString())
                    .startsWith("The field '" + field.name() + "' is there twice.");
        }
    }

    @Test
    void aWholeNumberHasNoFraction() {
        Answer answer = scene.http.post("/api/v1/throttle", "{\"rowsPerSecond\": 1.5}", JSON);

        assertProblem(answer, 400);
        assertThat(answer.json().path("detail").asString())
                .startsWith("The field 'rowsPerSecond' must be a whole number.");
    }
}
