package dev.millrace.mapping;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.expression.CaseMaps;
import dev.millrace.expression.Tables;
import dev.millrace.mapping.SelectCompiler.CompileResult;
import dev.millrace.problem.Problem;
import dev.millrace.sql.Relation;
import dev.millrace.sql.SelectParser;
import dev.millrace.sql.SelectParser.ParseResult;
import dev.millrace.sql.SelectStatement;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class InverseRuleTest {

    private static final Relation SOURCE =
            Tables.table(
                    "product",
                    "id int4!; name text; code varchar(8); price numeric(10,2); weight numeric;"
                            + " stock int4; active bool; made date; at timestamp; data jsonb",
                    "id");
    private static final Relation TARGET =
            Tables.table(
                    "item",
                    "id int4!; t text; t2 text; v varchar(8); i8 int8; i4 int4; n2 numeric(12,2); n4"
                            + " numeric(12,4); n numeric; b bool; d date; ts timestamp; j jsonb",
                    "id");

    private static final CaseMaps CASE_MAPS =
            new CaseMaps(Map.of("default", new CaseMaps.CaseMap(Map.of(), Map.of(), Set.of())));

    private static Map<String, Inverse> inverses(String select) {
        return switch (SelectParser.parse(select)) {
            case ParseResult.Parsed(SelectStatement statement) ->
                    switch (SelectCompiler.compile(
                            statement, SOURCE, TARGET, List.of("id"), CASE_MAPS)) {
                        case CompileResult.Compiled(Mapping _, Map<String, Inverse> inverses) ->
                                inverses;
                        case CompileResult.Refused(List<Problem> problems) ->
                                throw new AssertionError(problems.toString());
                    };
            case ParseResult.Refused(List<Problem> problems) ->
                    throw new AssertionError(problems.toString());
        };
    }

    private static Inverse inverse(String expression, String into, String column) {
        return Objects.requireNonNull(
                inverses("SELECT id, " + expression + " AS " + into + " FROM product").get(column));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            quoteCharacter = '`',
            value = {
                "name ; t ; name ; \"t\"",
                "code ; t ; code ; lossy CAST(\"t\" AS varchar(8)): the type varchar(8) loses the end of longer texts",
                "code ; v ; code ; \"v\"",
                "stock ; i8 ; stock ; CAST(\"i8\" AS int4)",
                "CAST(stock AS bigint) ; i8 ; stock ; CAST(\"i8\" AS int4)",
                "CAST(price * 100 AS bigint) ; i8 ; price ; CAST((\"i8\" * 0.01) AS numeric(10,2))",
                "price * 100 ; n ; price ; lossy CAST((\"n\" * 0.01) AS numeric(10,2)): the type"
                        + " numeric(10,2) loses decimals after the first 2",
                "CAST(weight * 100 AS bigint) ; i8 ; weight ; lossy (\"i8\" * 0.01): the CAST to"
                        + " bigint loses decimals",
                "stock * 100 ; i4 ; stock ; lossy CAST((\"i4\" * 0.01) AS int4): the type"
                        + " int4 loses decimals",
                "stock * 3 ; i4 ; stock ; lossy CAST((\"i4\" / 3) AS int4): not every value can"
                        + " be divided by 3",
                "stock * 0 ; i4 ; stock ; none: it is multiplied by 0",
                "stock + 7 ; i4 ; stock ; (\"i4\" - 7)",
                "7 + stock ; i4 ; stock ; (\"i4\" - 7)",
                "stock - 7 ; i4 ; stock ; (\"i4\" + 7)",
                "- stock ; i4 ; stock ; (- \"i4\")",
                "CAST(price AS numeric(12,4)) ; n4 ; price ; lossy CAST(\"n4\" AS numeric(10,2)): the type numeric(10,2)"
                        + " loses decimals after the first 2",
                "weight ; n ; weight ; \"n\"",
                "NOT active ; b ; active ; (NOT \"b\")",
                "lower(name) ; t ; name ; lossy \"t\": lower() loses the case of the letters",
                "coalesce(name, '') ; t ; name ; lossy \"t\": COALESCE replaces NULL",
                "name || code ; t ; name ; none: t is computed from name, code",
                "name || '.' ; t ; name ; none: its expression has no inverse",
                "CAST(id AS text) ; t ; stock ; absent",
                "CAST(stock AS text) ; t ; stock ; lossy CAST(\"t\" AS int4): the type int4"
                        + " loses other notations of the same value",
                "data ; j ; data ; \"j\"",
            })
    void undoesWhatSurroundsTheColumn(
            String expression, String into, String column, String expected) {
        assertThat(text(inverse(expression, into, column))).isEqualTo(expected);
    }

    private static String text(Inverse inverse) {
        return switch (inverse) {
            case Inverse.Exact(String sql) -> sql;
            case Inverse.Lossy(String sql, String reason) -> "lossy " + sql + ": " + reason;
            case Inverse.None(String reason) -> "none: " + reason;
            case Inverse.Absent() -> "absent";
            case Inverse.Declared(String sql) -> "declared " + sql;
        };
    }

    @Test
    void aWhereThatAllowsOneValueGivesTheColumn() {
        Map<String, Inverse> inverses =
                inverses(
                        "SELECT id FROM product WHERE name IS NULL AND code = 'x' AND 3 = stock AND"
                                + " NOT active AND price = 1.50 AND made > DATE '2020-01-01'");

        assertThat(inverses)
                .containsEntry("id", new Inverse.Exact("\"id\""))
                .containsEntry("name", new Inverse.Exact("NULL"))
                .containsEntry("code", new Inverse.Exact("'x'"))
                .containsEntry("stock", new Inverse.Exact("3"))
                .containsEntry("active", new Inverse.Exact("FALSE"))
                // Equal numerics can differ in their decimals.
                .containsEntry("price", new Inverse.Absent())
                .containsEntry("made", new Inverse.Absent());
    }

    @Test
    void theOutputThatLosesLessCounts() {
        Map<String, Inverse> inverses =
                inverses("SELECT id, upper(name) AS t2, name AS t, stock AS i8 FROM product");

        assertThat(inverses).containsEntry("name", new Inverse.Exact("\"t\""));
    }
}
