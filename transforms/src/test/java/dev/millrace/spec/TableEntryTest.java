package dev.millrace.spec;

import static dev.millrace.spec.SpecTexts.HEAD;
import static dev.millrace.spec.SpecTexts.problems;
import static dev.millrace.spec.SpecTexts.valid;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import dev.millrace.change.TableId;
import dev.millrace.spec.MigrationSpec.TableEntry;
import dev.millrace.sql.SelectStatement;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Entries under `tables`: names, SELECTs, and what is refused.
class TableEntryTest {

    @Test
    void acceptsQuotedNamesUnchanged() {
        String file = HEAD + "tables:\n  '\"Odd Name\".\"T\"\"x\"': SELECT id FROM t\n";

        assertThat(valid(file, Map.of()).spec().tables().getFirst())
                .isInstanceOfSatisfying(
                        TableEntry.Select.class,
                        select ->
                                assertThat(select.target())
                                        .isEqualTo(new TableId("Odd Name", "T\"x")));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "crm.t: [SELECT 1, SELECT 2] => several SELECTs into one table (a merge) is not"
                        + " yet supported",
                "crm.t: {transformer: a.B} => tables[\"crm.t\"].transformer: is not yet supported",
                "crm.t: {select: SELECT 1, reverse: x} => tables[\"crm.t\"].reverse: must be a list"
                        + " of SELECTs",
                "crm.t: {select: SELECT 1, reverse: []} => tables[\"crm.t\"].reverse: is empty",
                "crm.t: {select: SELECT 1, reverse: ['']} => tables[\"crm.t\"].reverse[0]: is empty",
                "crm.t: {select: SELECT 1, reverse: [SELECT * FROM crm.t]} => reverse SELECT cannot"
                        + " have a *",
                "crm.t: {select: SELECT 1, reverse: [SELECT id FROM crm.t WHERE id > 1]} => a WHERE"
                        + " in a reverse SELECT is not yet supported",
                "crm.*: {select: SELECT * FROM b.*, reverse: [SELECT id FROM crm.t]} => it cannot"
                        + " have reverse",
                "crm.t: {key: [a]} => tables[\"crm.t\"].select: is missing",
                "crm.t: {select: SELECT 1, key: []} => tables[\"crm.t\"].key: is empty",
                "crm.t: '' => is empty",
                "crm.t: => has no value",
                "crm.t: SELECT * FROM b.* => names every table of a schema",
                "crm.*: SELECT id FROM b.t => a wildcard copies tables unchanged",
                "crm.*: {select: SELECT * FROM b.*, key: [a]} => it cannot have a key",
                "crm.t: {select: SELECT a, b FROM t} => inside { } a comma ends a value; quote"
                        + " the value",
                "crm.t: {select: SELECT a FROM t WHERE b IN (1, 2)} => a comma ends a value",
                "Crm.T: SELECT 1 => write crm.t, or '\"Crm\".\"T\"'",
                "a.b.c: SELECT 1 => has more parts than schema and table",
                "'*.t': SELECT 1 => can replace the table, not the schema",
                "'a b.c': SELECT 1 => is not a table name",
                "'\"\".c': SELECT 1 => contains an empty name"
            })
    void refusesInvalidEntries(String claim) {
        String line = claim.split(" => ")[0];
        String message = claim.split(" => ")[1];

        assertThat(problems(HEAD + "tables:\n  " + line + "\n"))
                .anySatisfy(problem -> assertThat(problem).contains(message));
    }

    @Test
    void readsReverseSelectsWithTheirPositions() {
        String entry =
                """
                tables:
                  crm.t:
                    select: SELECT id, a AS b FROM public.s
                    reverse:
                      - SELECT id, b AS a FROM crm.t
                      - |
                        SELECT id,
                          %s AS c FROM crm.t
                """;

        assertThat(valid(HEAD + entry.formatted("upper(b)"), Map.of()).spec().tables().getFirst())
                .isInstanceOfSatisfying(
                        TableEntry.Select.class,
                        select ->
                                assertThat(select.reverse())
                                        .extracting(SelectStatement::table, Object::toString)
                                        .containsExactly(
                                                tuple("t", "SELECT id, b AS a FROM crm.t"),
                                                tuple(
                                                        "t",
                                                        "SELECT id,\n  upper(b) AS c FROM crm.t\n")));
        assertThat(problems(HEAD + entry.formatted("uper(b)")))
                .singleElement()
                .satisfies(
                        problem ->
                                assertThat(problem)
                                        .startsWith("m.yaml:15:11: tables[\"crm.t\"].reverse[1]: ")
                                        .contains("uper"));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "SELECT data #>> '{x}' FROM public.t",
                "SELECT id FROM public.t WHERE flags # 3 = 1",
                "SELECT id FROM public.t WHERE flags  # 3 = 1",
                "SELECT id FROM public.t WHERE data   #> '{x}' IS NULL",
                "SELECT id FROM public.t # a comment after one blank"
            })
    void refusesSelectsThatYamlTruncates(String select) {
        assertThat(problems(HEAD + "tables:\n  crm.t: " + select + "\n"))
                .containsExactly(
                        "m.yaml:9:10: tables[\"crm.t\"]: YAML ends this SELECT at ' #', which"
                                + " starts a comment (quote the SELECT or use |; put a comment"
                                + " on a separate line)");
        assertThat(problems(HEAD + "tables:\n  crm.t:\n    select: " + select + "\n")).hasSize(1);
    }
}
