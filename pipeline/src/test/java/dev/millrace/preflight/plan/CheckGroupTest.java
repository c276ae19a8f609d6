package dev.millrace.preflight.plan;

import static org.assertj.core.api.Assertions.assertThat;

import com.networknt.schema.InputFormat;
import com.networknt.schema.SchemaRegistry;
import com.networknt.schema.SpecificationVersion;
import dev.millrace.cli.text.PlanView;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.json.JsonMapper;

/// The groups have every check of the program, and the published schema has every group.
class CheckGroupTest {

    private static final Path PREFLIGHT =
            Path.of("src", "main", "java", "dev", "millrace", "preflight");

    /// How the code names a check.
    private static final Pattern NAMED =
            Pattern.compile(
                    "\"((?:source|target|kafka|switchover|mapping)\\.[a-z-]+|mapping|wildcard|queries|catalog)\"");

    /// A check that each side has: its name follows the side.
    private static final Pattern OF_BOTH_SIDES = Pattern.compile("\\+\\s*\"\\.([a-z-]+)\"");

    @Test
    void everyCheckHasAGroupAndEveryNameIsACheck() throws IOException {
        Set<String> named = new TreeSet<>();
        try (Stream<Path> files = Files.walk(PREFLIGHT)) {
            for (Path file : files.filter(each -> each.toString().endsWith(".java")).toList()) {
                if (!file.endsWith("CheckGroup.java")) {
                    String code = Files.readString(file);
                    NAMED.matcher(code).results().forEach(found -> named.add(found.group(1)));
                    OF_BOTH_SIDES
                            .matcher(code)
                            .results()
                            .forEach(
                                    found -> {
                                        named.add("source." + found.group(1));
                                        named.add("target." + found.group(1));
                                    });
                }
            }
        }

        assertThat(CheckGroup.checks()).containsExactlyInAnyOrderElementsOf(named);
    }

    @Test
    void theSchemaHasEveryGroup() {
        var groups =
                JsonMapper.shared()
                        .readTree(PlanView.schema())
                        .at("/$defs/finding/properties/group/enum");

        assertThat(groups.valueStream().map(each -> each.asString()))
                .containsExactlyInAnyOrderElementsOf(
                        Stream.of(CheckGroup.values()).map(CheckGroup::id).toList());
    }

    @Test
    void theSchemaRefusesAPlanWithoutASeverity() {
        var schema =
                SchemaRegistry.withDefaultDialect(SpecificationVersion.DRAFT_2020_12)
                        .getSchema(PlanView.schema(), InputFormat.JSON);

        assertThat(
                        schema.validate(
                                "{\"migration\":\"m\",\"outcome\":\"ok\",\"accepted\":true,\"tables\":[],\"findings\":[{\"status\":\"ok\",\"group\":\"server\",\"check\":\"source.version\",\"object\":\"o\",\"value\":null,\"limit\":null,\"message\":\"m\",\"remedy\":\"\"}]}",
                                InputFormat.JSON))
                .hasSize(1);
    }
}
