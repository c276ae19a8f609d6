package dev.millrace.cli.text;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.json.JsonMapper;

class SchemaTextTest {

    private static List<String> lines(String report) {
        return SchemaText.lines(JsonMapper.builder().build().readTree(report));
    }

    @Test
    void namesWhatBlocksFirst() {
        assertThat(
                        lines(
                                """
                                {"schema": {"unknown": null, "findings": [
                                  {"severity": "warning", "kind": "type", "object": "crm.a.x", "message": "differs", "remedy": "ALTER x;"},
                                  {"severity": "blocks", "kind": "default", "object": "crm.a.y", "message": "lacks it", "remedy": "ALTER y;"}]}}
                                """))
                .containsExactly(
                        "",
                        "Schema of the target: 1 finding blocks the switchover, 1 warning",
                        "blocks   crm.a.y lacks it",
                        "         ALTER y;",
                        "warning  crm.a.x differs",
                        "         ALTER x;");
    }

    @Test
    void saysThatItIsUnknownOrCompleteOrWasNotCompared() {
        assertThat(lines("{\"schema\": {\"unknown\": \"no session\", \"findings\": []}}"))
                .containsExactly("", "The schema of the target could not be compared: no session");
        assertThat(lines("{\"schema\": {\"unknown\": null, \"findings\": []}}"))
                .containsExactly("", "Schema of the target: nothing is missing");
        assertThat(lines("{\"schema\": null}")).isEmpty();
        assertThat(lines("{}")).isEmpty();
    }
}
