package dev.millrace.preflight.plan;

import static org.assertj.core.api.Assertions.assertThat;

import com.networknt.schema.InputFormat;
import com.networknt.schema.SchemaRegistry;
import com.networknt.schema.SpecificationVersion;
import dev.millrace.cli.text.PlanView;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.json.JsonMapper;

/// The published schema has every check and every group, and names have one form.
class CheckNameTest {

    @Test
    void theSchemaHasEveryCheckAndEveryGroup() {
        assertThat(listed("check"))
                .containsExactlyElementsOf(
                        Stream.of(CheckName.values()).map(CheckName::id).toList());
        assertThat(listed("group"))
                .containsExactlyElementsOf(
                        Stream.of(CheckName.Group.values()).map(CheckName.Group::id).toList());
        assertThat(listed("place"))
                .containsExactlyElementsOf(
                        Stream.of(Remedy.Place.values()).map(Remedy.Place::id).toList());
    }

    private static List<String> listed(String property) {
        return JsonMapper.shared()
                .readTree(PlanView.schema())
                .at("/$defs/finding/properties/" + property + "/enum")
                .valueStream()
                .map(each -> each.asString())
                .toList();
    }

    @Test
    void everyNameIsThatOfItsConstant() {
        assertThat(CheckName.values())
                .hasSizeGreaterThanOrEqualTo(50)
                .allSatisfy(
                        name ->
                                assertThat(name.id().replace('.', '_').replace('-', '_'))
                                        .isEqualToIgnoringCase(name.name()));
        assertThat(CheckName.values()).allMatch(name -> CheckName.of(name.id()) == name);
    }

    @Test
    void theSchemaRefusesAPlanWithoutASeverity() {
        var schema =
                SchemaRegistry.withDefaultDialect(SpecificationVersion.DRAFT_2020_12)
                        .getSchema(PlanView.schema(), InputFormat.JSON);

        assertThat(
                        schema.validate(
                                "{\"migration\":\"m\",\"outcome\":\"ok\",\"accepted\":true,\"tables\":[],\"findings\":[{\"status\":\"ok\",\"group\":\"server\",\"check\":\"source.version\",\"object\":\"o\",\"value\":null,\"limit\":null,\"message\":\"m\",\"remedy\":\"\",\"place\":\"none\"}]}",
                                InputFormat.JSON))
                .hasSize(1);
    }
}
