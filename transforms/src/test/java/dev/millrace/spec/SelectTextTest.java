package dev.millrace.spec;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.problem.Position;
import dev.millrace.spec.MigrationSpec.TableEntry;
import dev.millrace.spec.text.SourceText;
import java.util.Map;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SelectTextTest {

    /// Each entry contains the word `here` at the position where the file contains it.
    @ParameterizedTest
    @ValueSource(
            strings = {
                "  crm.t: SELECT here FROM t\n",
                "  crm.t: SELECT a,\n    here FROM t\n",
                "  crm.t: |\n    SELECT a, 'ä😀' AS b\n        , here FROM t\n",
                "  crm.t: |-   # why\n    SELECT a,\n\n      here FROM t\n",
                "  crm.t: >\n    SELECT a,\n    b, here FROM t\n",
                "  crm.t: 'SELECT ''a'' AS b, here FROM t'\n",
                "  crm.t: \"SELECT \\\"b\\\", \\x41\\u0041\\U00000041, here FROM t\"\n",
                "  crm.t: \"SELECT a, \\\n    b,\\n here FROM t\"\n",
                "  crm.t: !!str 'SELECT here FROM t'\n",
                "  crm.t: &a SELECT here FROM t\n",
                "  crm.t: {select: \"SELECT a,\\tb, here FROM t\", key: [a]}\n",
                "  crm.t: SELECT '$${' AS x, ${X:a AS long_default}, '😀' AS y, here FROM t\n"
            })
    void locatesEachCharacterInTheFile(String entry) {
        String file = SpecTexts.HEAD + "tables:\n" + entry;

        TableEntry.Select select =
                (TableEntry.Select) SpecTexts.valid(file, Map.of()).spec().tables().getFirst();

        Position found = select.text().at(select.text().text().indexOf("here"));
        assertThat(found).isEqualTo(new SourceText("m.yaml", file).at(codePointsBefore(file)));
        assertThat(select.text().at(select.text().text().indexOf("FROM")).column())
                .isEqualTo(found.column() + 5);
    }

    private static int codePointsBefore(String file) {
        return file.codePointCount(0, file.indexOf("here"));
    }
}
