package dev.millrace.postgres.select;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.change.TableId;
import dev.millrace.expression.CaseMaps;
import dev.millrace.grants.GrantedLogins;
import dev.millrace.mapping.Mapping;
import dev.millrace.mapping.SelectCompiler;
import dev.millrace.mapping.SelectCompiler.CompileResult;
import dev.millrace.postgres.Database;
import dev.millrace.postgres.Session;
import dev.millrace.postgres.types.CaseMapReader;
import dev.millrace.problem.Problem;
import dev.millrace.sql.Relation;
import dev.millrace.sql.SelectParser;
import dev.millrace.sql.SelectParser.ParseResult;
import dev.millrace.sql.SelectStatement;
import dev.millrace.testing.PostgresServer;
import dev.millrace.testing.TestDatabase;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SelectProofIT {

    private static final TestDatabase DATABASE = PostgresServer.shared().newDatabase();

    private static Database database;

    @BeforeAll
    static void createTables() {
        DATABASE.execute(
                "CREATE TABLE public.item (id int4 PRIMARY KEY, a int4, b int4, n numeric(10,2),"
                        + " t text, v varchar(10), c char(5), ok bool, d date, tz timestamptz, j jsonb)",
                "CREATE INDEX ON public.item (a)",
                "CREATE TABLE public.parts (id int4 PRIMARY KEY, a int4) PARTITION BY RANGE (id)",
                "CREATE TABLE public.parts1 PARTITION OF public.parts FOR VALUES FROM (0) TO (100)",
                "CREATE TABLE public.parts2 PARTITION OF public.parts FOR VALUES FROM (100) TO (200)");
        database =
                GrantedLogins.capture("m", DATABASE, "public.item", "public.parts")
                        .database("proof");
    }

    @AfterAll
    static void close() {
        database.close();
    }

    private static Mapping mapping(String table, String text) {
        try (Session session = database.session()) {
            Relation source =
                    session.sourceCatalog().relation(new TableId("public", table)).orElseThrow();
            Relation target =
                    new Relation(
                            new TableId("public", "target"),
                            List.of(
                                    column("id", "int4"),
                                    column("x", "text"),
                                    column("n", "numeric"),
                                    column("k", "int8"),
                                    column("ok", "bool")),
                            List.of("id"));
            CaseMaps maps = CaseMapReader.read(session, List.of("default"));
            return switch (SelectCompiler.compile(
                    statement(text), source, target, List.of("id"), maps)) {
                case CompileResult.Compiled(Mapping mapping, var _) -> mapping;
                case CompileResult.Refused(List<Problem> problems) ->
                        throw new AssertionError(problems.toString());
            };
        }
    }

    private static SelectStatement statement(String text) {
        return switch (SelectParser.parse(text)) {
            case ParseResult.Parsed(SelectStatement statement) -> statement;
            case ParseResult.Refused(List<Problem> problems) ->
                    throw new AssertionError(problems.toString());
        };
    }

    private static Relation.Column column(String name, String type) {
        return new Relation.Column(
                name,
                new Relation.SqlType("pg_catalog", type, type, -1, Optional.empty()),
                false,
                false,
                Relation.Collation.NONE);
    }

    private static List<Problem> proof(Mapping mapping) {
        try (Session session = database.session()) {
            return SelectProof.problems(session, statement(mapping.userText()), mapping);
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "SELECT id, a + b * 2 - -1 AS k FROM item WHERE NOT a = 1 OR b IS NULL AND ok",
                "SELECT id, trim(both 'x' from t) || substring(t from 2 for 3) AS x FROM item",
                "SELECT id, substring(t for 2) || a AS x, n * 1.10 AS n FROM public.item AS i WHERE i.a > 3",
                "SELECT id, CASE a WHEN 1 THEN 'one' ELSE lower(v) END AS x FROM item WHERE a IN (1, 2, b)",
                "SELECT id, coalesce(nullif(c, 'q'), 'z')::text AS x FROM item WHERE t NOT LIKE 'a!%%' ESCAPE '!'",
                "SELECT id, a BETWEEN 1 AND b AS ok, '5' AS k, NULL AS x FROM item -- the end",
                "SELECT id, U&'\\0041' || E'\\n' || $q$it's$q$ AS x, 0x1F % 1_0 AS k FROM item",
                "SELECT id, d::text AS x FROM item WHERE d >= '2020-01-01' AND tz < '2020-01-01 00:00:00+00'",
                "SELECT id, (a IS DISTINCT FROM b) IS NOT TRUE AS ok FROM item WHERE (ok) IS NOT FALSE"
            })
    void provesEquivalentSelectsWithSelectPrivilegeOnly(String text) {
        assertThat(proof(mapping("item", text))).isEmpty();
    }

    @Test
    void provesSelectOnPartitionedTable() {
        assertThat(
                        proof(
                                mapping(
                                        "parts",
                                        "SELECT id, a * 2 + 1 AS k FROM parts WHERE a > 1 OR id = 3")))
                .isEmpty();
    }

    @Test
    void reportsColumnWithOtherPrecedence() {
        Mapping right = mapping("item", "SELECT id,\n  a + b * 2 AS k FROM item");
        Mapping wrong = mapping("item", "SELECT id, (a + b) * 2 AS k FROM item");

        List<Problem> problems = proof(withRendering(right, wrong.rendered()));

        assertThat(problems).hasSize(1);
        assertThat(problems.getFirst().at().line()).isEqualTo(2);
        assertThat(problems.getFirst().message()).contains("(a + (b * 2))", "((a + b) * 2)");
    }

    @Test
    void reportsFilterWithOtherPrecedence() {
        Mapping right = mapping("item", "SELECT id FROM item WHERE ok OR a = 1 AND b = 2");
        Mapping wrong = mapping("item", "SELECT id FROM item WHERE (ok OR a = 1) AND b = 2");

        assertThat(proof(withRendering(right, wrong.rendered())))
                .hasSize(1)
                .first()
                .satisfies(
                        problem -> assertThat(problem.message()).contains("Millrace parses it as"));
    }

    @Test
    void reportsColumnWithOtherType() {
        Mapping right = mapping("item", "SELECT id, a * b AS k FROM item");
        Mapping wrong =
                new Mapping(
                        right.source(),
                        right.target(),
                        List.of(
                                right.outputs().get(0),
                                new Relation.SqlType(
                                        "pg_catalog", "int8", "bigint", -1, Optional.empty())),
                        right.userText(),
                        right.rendered(),
                        right.mapper());

        assertThat(proof(wrong).getFirst().message()).contains("int4", "int8");
    }

    @Test
    void reportsSelectThatPostgresRejects() {
        Mapping right = mapping("item", "SELECT id FROM item");

        assertThat(
                        proof(
                                        new Mapping(
                                                right.source(),
                                                right.target(),
                                                right.outputs(),
                                                "SELECT id FROM no_such_table",
                                                right.rendered(),
                                                right.mapper()))
                                .getFirst()
                                .message())
                .contains("PostgreSQL rejects this SELECT");
    }

    private static Mapping withRendering(Mapping mapping, String rendered) {
        return new Mapping(
                mapping.source(),
                mapping.target(),
                mapping.outputs(),
                mapping.userText(),
                rendered,
                mapping.mapper());
    }
}
