package dev.millrace.spec;

import static dev.millrace.spec.SpecTexts.VALID;
import static dev.millrace.spec.SpecTexts.problems;
import static dev.millrace.spec.SpecTexts.valid;
import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.spec.queries.QueryPair;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/// The `queries` section: what is read of it, and each problem with its position.
class QueriesTest {

    private static String queries(String... entries) {
        return VALID + "queries:\n- " + String.join("\n- ", entries) + "\n";
    }

    @Test
    void readsStatementsAsTheyAre() {
        List<QueryPair> pairs =
                valid(
                                queries(
                                        "{name: orders, old: SELECT 1, new: SELECT 2, parameters: SELECT 3, role: app}",
                                        "name: two\n  old: |\n    SELECT $1 -- all\n    FROM t\n  new: SELECT $1"),
                                Map.of())
                        .spec()
                        .queries();

        assertThat(pairs).extracting(QueryPair::name).containsExactly("orders", "two");
        assertThat(pairs.getFirst().meaning())
                .containsExactly("orders", "SELECT 1", "SELECT 2", "SELECT 3", "app");
        assertThat(pairs.getLast().old()).isEqualTo("SELECT $1 -- all\nFROM t");
        assertThat(pairs.getLast().parameters()).isEmpty();
        assertThat(pairs.getLast().role()).isEmpty();
        assertThat(valid(VALID, Map.of()).spec().queries()).isEmpty();
    }

    /// The verdict on the tables does not depend on them.
    @Test
    void doNotChangeTheHash() {
        assertThat(valid(queries("{name: a, old: SELECT 1, new: SELECT 2}"), Map.of()).hash())
                .isEqualTo(valid(VALID, Map.of()).hash());
    }

    @Test
    void everyProblemHasItsPosition() {
        assertThat(
                        problems(
                                queries(
                                        "{name: a, old: SELECT 1, new: SELECT 2}",
                                        "{name: a, old: 'SELECT 1; COMMIT', new: ' '}",
                                        "{name: b c, old: SELECT 1, new: SELECT 2}",
                                        "{name: d, new: SELECT 2}")))
                .hasSize(5)
                .allMatch(problem -> problem.startsWith("m.yaml:"))
                .anyMatch(problem -> problem.contains("is already used at m.yaml:"))
                .anyMatch(problem -> problem.contains("contains a semicolon"))
                .anyMatch(problem -> problem.contains("is empty"))
                .anyMatch(problem -> problem.contains("is not a name"))
                .anyMatch(problem -> problem.contains("is missing"));
    }
}
