package dev.millrace.cli.text;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import tools.jackson.databind.json.JsonMapper;

class ChunkTextTest {

    private static final JsonMapper JSON = JsonMapper.builder().build();

    @Test
    void namesTheOutermostPositions() {
        String table =
                """
                {"target": "crm.customer", "chunks": [
                  {"from": null, "to": ["5"], "rows": 4, "after": "0/FF", "before": "1/0"},
                  {"from": ["5"], "to": null, "rows": 4, "after": "0/A0", "before": "0/B0"}]}
                """;

        assertThat(ChunkText.line(JSON.readTree(table)))
                .contains(
                        "crm.customer: 2 chunks were equal between source positions 0/A0 and 1/0");
    }

    @Test
    void saysNothingAboutATableWithoutChunks() {
        assertThat(ChunkText.line(JSON.readTree("{\"target\": \"a\", \"chunks\": []}"))).isEmpty();
        assertThat(ChunkText.line(JSON.readTree("{\"target\": \"a\"}"))).isEmpty();
    }
}
