package dev.millrace.sql;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.change.TableId;
import dev.millrace.problem.Position;
import dev.millrace.problem.Problem;
import dev.millrace.sql.SelectParser.ParseResult;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class SelectParserTest {

    private static String tree(String expression) {
        return switch (SelectParser.parse("SELECT " + expression + " AS x FROM t")) {
            case ParseResult.Parsed(SelectStatement statement) -> tree(statement);
            case ParseResult.Refused(List<Problem> problems) ->
                    throw new AssertionError(problems.toString());
        };
    }

    private static String tree(SelectStatement statement) {
        return switch (statement.items().getFirst()) {
            case SelectStatement.Item.Expression(_, Node node, _) ->
                    SqlRenderer.sql(node).replace("\"", "");
            case SelectStatement.Item.Star _ -> "*";
        };
    }

    private static List<Problem> problems(String text) {
        return switch (SelectParser.parse(text)) {
            case ParseResult.Parsed _ -> List.of();
            case ParseResult.Refused(List<Problem> problems) -> problems;
        };
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            quoteCharacter = '`',
            value = {
                "a + b * c ; (a + (b * c))",
                "a - b - c ; ((a - b) - c)",
                "a * b / c % d ; (((a * b) / c) % d)",
                "-a * b ; ((- a) * b)",
                "- a::int ; (- CAST(a AS int))",
                "-1::int ; (- CAST(1 AS int))",
                "- - 1 ; 1",
                "a- -1 ; (a - (-1))",
                "a*-1 ; (a * (-1))",
                "a<-1 ; (a < (-1))",
                "a||b||c ; ((a || b) || c)",
                "a || b + c ; (a || (b + c))",
                "a || b = c ; ((a || b) = c)",
                "NOT a = b ; (NOT (a = b))",
                "NOT a IS NULL ; (NOT (a IS NULL))",
                "NOT a AND b OR c ; (((NOT a) AND b) OR c)",
                "a OR b AND c ; (a OR (b AND c))",
                "a = b IS NULL ; ((a = b) IS NULL)",
                "a IS NULL = b ; ((a IS NULL) = b)",
                "a IS NULL IS NULL ; ((a IS NULL) IS NULL)",
                "a IS DISTINCT FROM b = c ; (a IS DISTINCT FROM (b = c))",
                "a = b LIKE c ; (a = (b LIKE c))",
                "a LIKE b || c ESCAPE d ; (a LIKE (b || c) ESCAPE d)",
                "a LIKE b = c ; ((a LIKE b) = c)",
                "a NOT LIKE b AND c ; ((a NOT LIKE b) AND c)",
                "a BETWEEN b AND c AND d ; ((a BETWEEN b AND c) AND d)",
                "a BETWEEN b = c AND d ; (a BETWEEN (b = c) AND d)",
                "a BETWEEN 1 AND 2 = b ; ((a BETWEEN 1 AND 2) = b)",
                "NOT a BETWEEN b AND c ; (NOT (a BETWEEN b AND c))",
                "a IN (1, 2) IN (b) ; ((a IN (1, 2)) IN (b))",
                "a = NOT b ; (a = (NOT b))",
                "a::numeric(10,2)::text || b ; (CAST(CAST(a AS numeric(10,2)) AS text) || b)",
                "CASE a WHEN 1 THEN b END + 1 ; ((CASE a WHEN 1 THEN b END) + 1)",
                "trim(leading 'x' from a) ; TRIM(LEADING 'x' FROM a)",
                "trim(a, 'x') ; TRIM(BOTH 'x' FROM a)",
                "substring(a from 2) ; SUBSTRING(a FROM 2)",
                "substring(a for 2) ; SUBSTRING(a FROM 1 FOR CAST(2 AS int4))",
                "U&'\\0041\\00e4' ; 'Aä'",
                "$x$a'b$x$ ; 'a''b'",
                "0x1F ; 31",
                "1_000.5e1_0 ; 1000.5e10",
                "a /* x /* y */ z */ + b ; (a + b)"
            })
    void parsesWithPostgresPrecedence(String text, String tree) {
        assertThat(tree(text)).isEqualTo(tree);
    }

    @Test
    void stringsContinueAcrossLineEnds() {
        assertThat(tree("'a'\n  'b'")).isEqualTo("'ab'");
        assertThat(tree("'a' -- c\n  'b'")).isEqualTo("'ab'");
        assertThat(tree("E'a\\nb' -- the end\n")).isEqualTo("'a\nb'");
        assertThat(problems("SELECT 'a'/* c */'b' FROM t")).isNotEmpty();
    }

    @Test
    void foldsNamesButNotQuotedNames() {
        assertThat(SelectParser.parse("SELECT ID, \"Mixed\"\"Q\" FROM Public.\"T\" AS x"))
                .isInstanceOfSatisfying(
                        ParseResult.Parsed.class,
                        parsed -> {
                            SelectStatement statement = parsed.statement();
                            assertThat(statement.schema()).contains("public");
                            assertThat(statement.table()).isEqualTo("T");
                            assertThat(statement.items())
                                    .extracting(
                                            item ->
                                                    ((SelectStatement.Item.Expression) item)
                                                            .alias())
                                    .containsExactly("id", "Mixed\"Q");
                        });
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            quoteCharacter = '`',
            value = {
                "SELECT 2 * a ^ 2 AS x FROM t ; 1:14 ; operator ^",
                "SELECT a & b + c AS x FROM t ; 1:10 ; operator &",
                "SELECT a << b + c AS x FROM t ; 1:10 ; operator <<",
                "SELECT j->>'x' || 'y' AS x FROM t ; 1:9 ; operator ->>",
                "SELECT a + b->'c' AS x FROM t ; 1:13 ; operator ->",
                "SELECT -a AT TIME ZONE 'UTC' AS x FROM t ; 1:11 ; AT TIME ZONE",
                "SELECT a#b AS x FROM t ; 1:9 ; operator #",
                "SELECT a#>>'{x}' AS x FROM t ; 1:9 ; operator #>>",
                "SELECT a@>b AS x FROM t ; 1:9 ; operator @>",
                "SELECT a*@-b AS x FROM t ; 1:9 ; operator *@-",
                "SELECT a @? b AS x FROM t ; 1:10 ; operator @?",
                "SELECT |/ a AS x FROM t ; 1:8 ; prefix operator |/",
                "SELECT a OPERATOR(pg_catalog.+) b AS x FROM t ; 1:10 ; OPERATOR",
                "SELECT a = ANY (b) AS x FROM t ; 1:10 ; = any",
                "SELECT a[1] AS x FROM t ; 1:9 ; subscript",
                "SELECT a COLLATE \"C\" AS x FROM t ; 1:10 ; COLLATE",
                "SELECT (SELECT 1) AS x FROM t ; 1:8 ; subquery",
                "SELECT a IN (SELECT 1) AS x FROM t ; 1:10 ; subquery",
                "SELECT EXISTS (SELECT 1) AS x FROM t ; 1:8 ; EXISTS",
                "SELECT count(*) FROM t ; 1:8 ; count",
                "SELECT sum(a) OVER (ORDER BY b) AS x FROM t ; 1:8 ; window",
                "SELECT count(a) FILTER (WHERE b) AS x FROM t ; 1:8 ; aggregate",
                "SELECT current_timestamp AS x FROM t ; 1:8 ; current_timestamp",
                "SELECT extract(year from a) AS x FROM t ; 1:8 ; extract",
                "SELECT a ILIKE 'x' AS x FROM t ; 1:10 ; ILIKE",
                "SELECT a SIMILAR TO 'x' AS x FROM t ; 1:10 ; SIMILAR TO",
                "SELECT a ~ 'x' AS x FROM t ; 1:10 ; operator ~",
                "SELECT (a, b) = (c, d) AS x FROM t ; 1:8 ; row value",
                "SELECT a IS JSON OBJECT AS x FROM t ; 1:10 ; IS JSON",
                "SELECT a BETWEEN SYMMETRIC 1 AND 2 AS x FROM t ; 1:10 ; BETWEEN SYMMETRIC",
                "SELECT ARRAY[1, 2] AS x FROM t ; 1:8 ; ARRAY",
                "SELECT my.f(a) AS x FROM t ; 1:8 ; function",
                "SELECT a = b = c AS x FROM t ; 1:14 ; chain",
                "SELECT a LIKE b LIKE c AS x FROM t ; 1:17 ; chain",
                "SELECT a IS DISTINCT FROM b IS NULL AS x FROM t ; 1:29 ; chain",
                "SELECT DISTINCT a FROM t ; 1:8 ; DISTINCT",
                "SELECT a FROM t JOIN u ON true ; 1:17 ; join",
                "SELECT a FROM t, u ; 1:16 ; second table",
                "SELECT a FROM t x LEFT JOIN u ON true ; 1:19 ; join",
                "SELECT a FROM t GROUP BY a ; 1:17 ; GROUP BY",
                "SELECT a FROM t WHERE b ORDER BY a ; 1:25 ; ORDER BY",
                "SELECT a FROM t LIMIT 1 ; 1:17 ; LIMIT",
                "SELECT a FROM t UNION SELECT 1 ; 1:17 ; UNION",
                "SELECT a FROM t FOR UPDATE ; 1:17 ; FOR UPDATE",
                "SELECT a FROM ONLY t ; 1:15 ; ONLY",
                "SELECT a FROM (SELECT 1) t ; 1:15 ; subquery",
                "SELECT a FROM f(1) ; 1:16 ; function",
                "SELECT a FROM t TABLESAMPLE system (1) ; 1:17 ; TABLESAMPLE",
                "SELECT * FROM public.* ; 1:22 ; schema.*",
                "WITH x AS (SELECT 1) SELECT a FROM x ; 1:1 ; WITH",
                "SELECT a INTO b FROM t ; 1:10 ; INTO",
                "SELECT $1 AS x FROM t ; 1:8 ; parameter",
                "SELECT b'1' AS x FROM t ; 1:8 ; literal",
                "SELECT 'abc FROM t ; 1:8 ; not closed",
                "SELECT a /* b FROM t ; 1:10 ; not closed",
                "SELECT 12ab FROM t ; 1:8 ; letters",
                "SELECT a ; 1:9 ; expected FROM",
                "SELECT a FROM t) ; 1:16 ; end of the SELECT",
                "UPDATE t SET a = 1 ; 1:1 ; SELECT",
                "SELECT interval '1' year AS x FROM t WHERE a AND ; 1:49 ; expected an expression"
            })
    void refusesUnsupportedConstructsByNameAndPosition(String text, String place, String words) {
        assertThat(problems(text))
                .anySatisfy(
                        problem -> {
                            assertThat(problem.at().line() + ":" + problem.at().column())
                                    .isEqualTo(place);
                            assertThat(problem.message()).containsIgnoringCase(words);
                        });
    }

    @Test
    void reportsSeveralProblemsAtOnce() {
        assertThat(problems("SELECT a ^ 2 AS x,\n b #> c AS y\nFROM t WHERE d ~ 'x'"))
                .extracting(problem -> problem.at().line() + ":" + problem.at().column())
                .containsExactly("1:10", "2:4", "3:16");
    }

    private static List<String> withoutTables(String text) {
        List<Problem> found =
                switch (SelectParser.parse(text)) {
                    case ParseResult.Parsed(SelectStatement statement) -> statement.problems();
                    case ParseResult.Refused(List<Problem> problems) -> problems;
                };
        return found.stream()
                .map(
                        problem ->
                                problem.at().column()
                                        + " "
                                        + problem.message()
                                        + " | "
                                        + problem.remedy())
                .toList();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            quoteCharacter = '`',
            value = {
                "nosuchfn(a) AS x ; 8 the function nosuchfn is not supported | select a column"
                        + " that contains the value; the functions are abs, btrim",
                "lowr(a) AS x ; 8 the function lowr is not supported | did you mean lower(text)?",
                "md5(a) AS x ; 8 the function md5 is not supported | select a column",
                "greatest(a, 1) AS x ; 8 the function greatest is not supported | use CASE",
                "1 + length(now()) AS x ; 19 the function now is not supported | store the value",
                "lower(a, b) AS x ; 8 lower does not accept 2 arguments | write lower(text)",
                "replace(a) AS x ; 8 replace does not accept 1 argument | write replace(text,"
                        + " from, to)",
                "concat() AS x ; 8 concat does not accept 0 arguments | write concat(value, ..)",
                "nullif(a) AS x ; 8 nullif does not accept 1 argument | write nullif(value, value)",
                "a::money AS x ; 11 a CAST to money is not supported | CAST supports smallint",
                "a & 1 AS x ; 10 the operator & is not supported | the operators are +",
                "u.a AS x ; 8 FROM does not contain a table u | use t or remove the qualifier",
                "u.* ; 8 FROM does not contain a table u | use t or remove the qualifier",
                "a, b AS a ; 11 two result columns are named a | write AS with another target column",
                "a + 1 ; 8 this column has no name | add AS and the name of a target column"
            })
    void reportsProblemsThatDoNotDependOnTables(String list, String expected) {
        assertThat(withoutTables("SELECT " + list + " FROM t"))
                .singleElement()
                .asString()
                .startsWith(expected);
    }

    @Test
    void checksParsedPartsWhenTheRestCannotBeParsed() {
        assertThat(withoutTables("SELECT a ^ 2 AS x, f(a) AS x FROM t WHERE g(b) ORDER BY a"))
                .extracting(problem -> problem.substring(0, problem.indexOf(' ')))
                .containsExactly("10", "20", "20", "43", "48");
    }

    @Test
    void everySupportedFunctionHasASignature() {
        assertThat(
                        withoutTables(
                                "SELECT lower(a) a, upper(a) b, btrim(a) c, ltrim(a, 'x') d,"
                                        + " rtrim(a) e, trim(a) f, substring(a, 1) g, substr(a,"
                                        + " 1, 2) h, length(a) i, char_length(a) j,"
                                        + " character_length(a) k, concat(a) l,"
                                        + " concat_ws(',', a) m,"
                                        + " replace(a, 'x', 'y')"
                                        + " n, round(a)"
                                        + " o, abs(a) p, coalesce(a) q, nullif(a, 1) r FROM t"))
                .isEmpty();
    }

    @ParameterizedTest
    @ValueSource(ints = {190})
    void limitsNesting(int allowed) {
        assertThat(
                        problems(
                                "SELECT "
                                        + "(".repeat(allowed)
                                        + "a"
                                        + ")".repeat(allowed)
                                        + " FROM t"))
                .isEmpty();
        assertThat(problems("SELECT " + "(".repeat(5000) + "a" + ")".repeat(5000) + " FROM t"))
                .hasSize(1)
                .first()
                .satisfies(problem -> assertThat(problem.message()).contains("nested"));
    }

    @Test
    void limitsLength() {
        assertThat(problems("SELECT a" + " ".repeat(200_000) + "FROM t").getFirst().message())
                .contains("longer");
    }

    @Test
    void limitsOperatorChainsBeforeStackOverflow() {
        assertThat(problems("SELECT a" + " + a".repeat(400) + " AS x FROM t")).isEmpty();
        assertThat(
                        problems("SELECT a" + " + a".repeat(20_000) + " AS x FROM t")
                                .getFirst()
                                .message())
                .contains("in a row");
        assertThat(
                        problems("SELECT a" + "::text".repeat(10_000) + " AS x FROM t")
                                .getFirst()
                                .message())
                .contains("in a row");
    }

    @Test
    void expandsStarsInTreeAndText() {
        SelectStatement statement =
                switch (SelectParser.parse(
                        "SELECT 'a.*' AS x, T . *, \"o\"\"d\".*, b FROM t /* * */")) {
                    case ParseResult.Parsed(SelectStatement parsed) -> parsed;
                    case ParseResult.Refused(List<Problem> problems) ->
                            throw new AssertionError(problems.toString());
                };

        SelectStatement expanded = statement.withColumns(List.of("id", "O\"x"));

        assertThat(expanded.text())
                .isEqualTo(
                        "SELECT 'a.*' AS x, T . \"id\", T . \"O\"\"x\", \"o\"\"d\".\"id\","
                                + " \"o\"\"d\".\"O\"\"x\", b FROM t /* * */");
        assertThat(expanded.hasStar()).isFalse();
        assertThat(expanded.items())
                .extracting(item -> ((SelectStatement.Item.Expression) item).alias())
                .containsExactly("x", "id", "O\"x", "id", "O\"x", "b");
        assertThat(expanded.outputProblem(2, "", "").at().column()).isEqualTo(20);
    }

    @Test
    void copiesColumnsOfOneTable() {
        Position at = new Position("m.yaml", 9, 3);

        SelectStatement statement =
                SelectStatement.copying(
                        "tables", at, new TableId("public", "T\"x"), List.of("id", "Odd"));

        assertThat(statement.text()).isEqualTo("SELECT \"id\", \"Odd\" FROM \"public\".\"T\"\"x\"");
        assertThat(statement.copiedColumns(List.of())).containsExactly("id", "Odd");
        assertThat(statement.outputProblem(1, "", "").at()).isEqualTo(at);
    }
}
