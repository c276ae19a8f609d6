package dev.millrace.cli.text;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.json.JsonMapper;

class QueryTextTest {

    private static List<String> lines(String report) {
        return QueryText.lines(JsonMapper.builder().build().readTree(report));
    }

    @Test
    void showsTimesAndWhatIsToBeKnown() {
        List<String> lines =
                lines(
                        """
                        {"queries": [
                          {"name": "orders", "verdict": "equal", "samples": 50, "different": 0, "undecided": 0,
                           "cause": null, "complete": true, "slower": true,
                           "source": {"p50Ms": 1.25, "p95Ms": 2, "plan": ["Index Scan a"]},
                           "target": {"p50Ms": 10, "p95Ms": 20.04, "plan": ["Sort", "Seq Scan b"]}},
                          {"name": "sum", "verdict": "undecided", "samples": 2, "different": 0, "undecided": 1,
                           "cause": "the rows kept changing", "complete": false, "slower": false,
                           "source": {"p50Ms": null, "p95Ms": null, "plan": []},
                           "target": {"p50Ms": null, "p95Ms": null, "plan": []}}]}
                        """);

        assertThat(String.join("\n", lines))
                .contains("orders", "1.3 ms", "20.0 ms")
                .contains("orders is slower on the target; plan there: Sort > Seq Scan b")
                .contains("sum is undecided: the rows kept changing")
                .contains("sum was not compared with every sample: it reached its limit of time");
    }

    @Test
    void saysNothingWithoutQueries() {
        assertThat(lines("{}")).isEmpty();
        assertThat(lines("{\"queries\": []}")).isEmpty();
    }
}
