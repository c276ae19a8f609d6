package dev.millrace.mapping;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.change.Row;
import dev.millrace.change.RowSchema;
import dev.millrace.change.TableId;
import dev.millrace.expression.CaseMaps;
import dev.millrace.expression.Tables;
import dev.millrace.mapping.RowMapper.MappedRow;
import dev.millrace.mapping.SelectCompiler.CompileResult;
import dev.millrace.problem.Problem;
import dev.millrace.sql.Relation;
import dev.millrace.sql.SelectParser;
import dev.millrace.sql.SelectParser.ParseResult;
import dev.millrace.sql.SelectStatement;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SelectCompilerTest {

    private static final Relation SOURCE =
            Tables.table(
                    "users",
                    "id int4!; name text; email varchar(40); age int2; price numeric(10,2); data"
                            + " jsonb; active bool",
                    "id");
    private static final Relation TARGET =
            Tables.table(
                    "customer",
                    "id int8!; full_name text; email text; cents int8; price numeric(12,2); data"
                            + " jsonb; kind text",
                    "id");

    private static CompileResult compile(String text) {
        return compile(text, SOURCE, TARGET);
    }

    private static CompileResult compile(String text, Relation source, Relation target) {
        return switch (SelectParser.parse(text)) {
            case ParseResult.Parsed(SelectStatement statement) ->
                    SelectCompiler.compile(
                            statement, source, target, target.key(), CaseMaps.none());
            case ParseResult.Refused(List<Problem> problems) -> new CompileResult.Refused(problems);
        };
    }

    private static Mapping mapping(String text) {
        return mapping(compile(text));
    }

    private static Mapping mapping(CompileResult result) {
        return switch (result) {
            case CompileResult.Compiled(Mapping mapping, var _) -> mapping;
            case CompileResult.Refused(List<Problem> problems) ->
                    throw new AssertionError(problems.toString());
        };
    }

    private static List<String> problems(CompileResult result) {
        return switch (result) {
            case CompileResult.Compiled _ -> List.of();
            case CompileResult.Refused(List<Problem> problems) ->
                    problems.stream()
                            .map(
                                    p ->
                                            p.at().line()
                                                    + ":"
                                                    + p.at().column()
                                                    + " "
                                                    + p.message()
                                                    + " | "
                                                    + p.remedy())
                            .toList();
        };
    }

    private static RowSchema schema() {
        return RowSchema.keyed(
                SOURCE.id(),
                SOURCE.columns().stream().map(Relation.Column::name).toList(),
                List.of("id"));
    }

    private static Row user() {
        return Row.of(schema(), "7", "Ann", "a@b", "30", "1.50", "{\"a\": 1}", "t");
    }

    @Test
    void mapsRenamesConstantsAndCopiesAsText() {
        Mapping mapping =
                mapping("SELECT id, name AS full_name, 'x' kind, data, u.email FROM users u");

        MappedRow mapped = mapping.mapper().map(user());

        assertThat(mapping.target().columns())
                .containsExactly("id", "full_name", "kind", "data", "email");
        assertThat(mapped)
                .isEqualTo(
                        new MappedRow.Upsert(
                                Row.of(mapping.target(), "7", "Ann", "x", "{\"a\": 1}", "a@b")));
    }

    @Test
    void deletesRowOutsideTheWhereByItsKey() {
        Mapping mapping = mapping("SELECT id FROM users WHERE age > 30 AND active");
        assertThat(mapping.mapper().takesEveryRow()).isFalse();

        MappedRow mapped = mapping.mapper().map(user());

        assertThat(mapped).isInstanceOf(MappedRow.Delete.class);
        assertThat(((MappedRow.Delete) mapped).key().text(0)).isEqualTo("7");
    }

    @Test
    void copiesUnchangedCellAndRejectsExpressionOverIt() {
        Row partial =
                new Row.Builder(schema())
                        .text(0, "7")
                        .unchanged(1)
                        .text(3, "1")
                        .unchanged(5)
                        .build();

        MappedRow copied = mapping("SELECT id, data FROM users").mapper().map(partial);
        MappedRow computed =
                mapping("SELECT id, name || 'x' AS full_name FROM users").mapper().map(partial);

        assertThat(((MappedRow.Upsert) copied).row().isUnchanged(1)).isTrue();
        assertThat(((MappedRow.Incomplete) computed).reason())
                .contains("column name", "REPLICA IDENTITY FULL on public.users");
    }

    @Test
    void rejectsUnchangedKeyCell() {
        Row partial = new Row.Builder(schema()).unchanged(0).build();

        MappedRow mapped = mapping("SELECT id FROM users").mapper().map(partial);

        assertThat(((MappedRow.Incomplete) mapped).reason()).contains("column id");
    }

    /// The complete row may be outside the WHERE, where PostgreSQL raises no error.
    @ParameterizedTest
    @ValueSource(
            strings = {
                "100 / (age - 30) > 1 AND name = 'x'",
                "name = 'x' AND 100 / (age - 30) > 1"
            })
    void anUnchangedCellOfAConditionCountsBeforeAnError(String where) {
        Row partial = new Row.Builder(schema()).text(0, "7").unchanged(1).text(3, "30").build();

        MappedRow mapped = mapping("SELECT id FROM users WHERE " + where).mapper().map(partial);

        assertThat(mapped).isInstanceOf(MappedRow.Incomplete.class);
    }

    @Test
    void rejectsRowOnErrorWithoutPrintingValues() {
        Mapping mapping = mapping("SELECT id, 100 / (age - 30) AS cents FROM users");

        MappedRow mapped = mapping.mapper().map(user());

        assertThat(mapped).isEqualTo(new MappedRow.Rejected("division by zero"));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "100 / (age - 30) > 1 AND age <> 30",
                "age <> 30 AND 100 / (age - 30) > 1",
                "100 / (age - 30) > 1 AND (active AND NULLIF(name, 'Ann') = 'b')",
                "NOT (100 / (age - 30) > 1 OR age = 30)"
            })
    void ignoresErrorOfConditionNextToOneThatIsNotTrue(String where) {
        Mapping mapping = mapping("SELECT id FROM users WHERE " + where);

        assertThat(mapping.mapper().map(user())).isInstanceOf(MappedRow.Delete.class);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "100 / (age - 30) > 1 AND age = 30",
                "active AND 100 / (age - 30) > 1",
                "NOT (100 / (age - 30) > 1 OR age <> 30)"
            })
    void rejectsRowOnErrorOfConditionWhenTheOthersAreTrue(String where) {
        Mapping mapping = mapping("SELECT id FROM users WHERE " + where);

        assertThat(mapping.mapper().map(user()))
                .isEqualTo(new MappedRow.Rejected("division by zero"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"money", "inet", "_int4", "bytea"})
    void concatRefusesTypeWhoseTextIsNotCarried(String type) {
        Relation source = Tables.table("users", "id int4!; paid " + type, "id");

        for (String call : List.of("concat(paid, '!')", "concat_ws(',', 'a', paid)")) {
            assertThat(
                            problems(
                                    compile(
                                            "SELECT id, " + call + " AS kind FROM users",
                                            source,
                                            TARGET)))
                    .singleElement()
                    .asString()
                    .contains(type, "select the column unchanged");
        }
    }

    @Test
    void computesKeyFromKeyColumnsOnly() {
        Mapping mapping = mapping("SELECT id::bigint, name AS full_name FROM users");
        Row key = Row.of(RowSchema.keyed(SOURCE.id(), List.of("id"), List.of("id")), "7");

        assertThat(mapping.mapper().key(key).text(0)).isEqualTo("7");
    }

    @Test
    void reportsEveryProblemAtItsPosition() {
        assertThat(
                        problems(
                                compile(
                                        "SELECT id, nam AS full_name,\n  lower(emial) AS email,"
                                                + " price AS cents FROM users")))
                .containsExactly(
                        "1:12 public.users has no column nam | did you mean name?",
                        "2:9 public.users has no column emial | did you mean email?",
                        "2:26 numeric(10,2) does not fit cents of public.customer, which is int8"
                                + " | add CAST(… AS int8)");
    }

    @Test
    void suggestsNameForMissingTargetColumn() {
        assertThat(problems(compile("SELECT id, name FROM users")))
                .containsExactly(
                        "1:12 public.customer has no column name | did you mean full_name?");
    }

    @Test
    void refusesComputedKey() {
        assertThat(problems(compile("SELECT id + 1 AS id FROM users")).getFirst())
                .contains("key column id of public.customer is computed");
        assertThat(problems(compile("SELECT age AS id FROM users")).getFirst())
                .contains("not in the key of public.users");
        assertThat(problems(compile("SELECT 1 AS id FROM users")).getFirst())
                .contains("two rows could become one");
        assertThat(problems(compile("SELECT name AS full_name FROM users")).getFirst())
                .contains("does not supply id");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "numeric",
                "bpchar",
                "float4",
                "float8",
                "interval",
                "timetz",
                "jsonb",
                "inet",
                "money",
                "_int4",
                "int4range",
                "tsvector",
                "record"
            })
    void refusesKeyWithSeveralTextsPerValue(String type) {
        Relation source = Tables.table("item", "id " + type + "!", "id");
        Relation target = Tables.table("copy", "id " + type + "!", "id");

        assertThat(problems(compile("SELECT id FROM item", source, target)))
                .singleElement()
                .asString()
                .contains(
                        "key column id of public.item is " + type, "REPLICA IDENTITY USING INDEX");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "int2",
                "int4",
                "int8",
                "numeric(12,2)",
                "uuid",
                "text",
                "varchar(5)",
                "bpchar(3)",
                "bool",
                "date",
                "time",
                "timestamp",
                "timestamptz",
                "bytea",
                "bit(4)",
                "varbit",
                "cidr",
                "macaddr",
                "oid"
            })
    void acceptsKeyWithOneTextPerValue(String type) {
        Relation source = Tables.table("item", "id " + type + "!", "id");
        Relation target = Tables.table("copy", "id " + type + "!", "id");

        assertThat(problems(compile("SELECT id FROM item", source, target))).isEmpty();
    }

    @Test
    void acceptsUserDefinedKeyTypeOnlyIfEnum() {
        assertThat(
                        problems(
                                compile(
                                        "SELECT id FROM item",
                                        ofType("mood", true),
                                        ofType("mood", true))))
                .isEmpty();
        assertThat(
                        problems(
                                compile(
                                        "SELECT id FROM item",
                                        ofType("citext", false),
                                        ofType("citext", false))))
                .singleElement()
                .asString()
                .contains("key column id of public.item is citext");
    }

    private static Relation ofType(String name, boolean enumerated) {
        return new Relation(
                new TableId("public", "item"),
                List.of(
                        new Relation.Column(
                                "id",
                                new Relation.SqlType(
                                        "public", name, name, -1, Optional.empty(), enumerated),
                                true,
                                false,
                                Relation.Collation.NONE)),
                List.of("id"));
    }

    @Test
    void refusesKeyWithNondeterministicCollationOnEitherSide() {
        Relation.Collation loose =
                new Relation.Collation("loose", Relation.Collation.Provider.ICU, false);
        Relation exact = Tables.table("item", "id text!", "id");
        Relation free = Tables.table("item", loose, "id text!", "id");

        assertThat(problems(compile("SELECT id FROM item", free, exact)))
                .singleElement()
                .asString()
                .contains("nondeterministic collation");
        assertThat(problems(compile("SELECT id FROM item", exact, free)))
                .singleElement()
                .asString()
                .contains("nondeterministic collation");
    }

    @Test
    void refusesLowerWithoutCaseMap() {
        assertThat(problems(compile("SELECT id, lower(name) AS full_name FROM users")))
                .hasSize(1)
                .first()
                .asString()
                .contains("case map");
    }

    @Test
    void refusesNumericThatWouldBeRounded() {
        assertThat(problems(compile("SELECT id, price * 2 AS price FROM users")).getFirst())
                .contains("add CAST(… AS numeric(12,2))");
        assertThat(
                        problems(
                                compile(
                                        "SELECT id, CAST(price * 2 AS numeric(12,2)) AS price"
                                                + " FROM users")))
                .isEmpty();
    }

    @Test
    void starRequiresEveryColumnOnTheTarget() {
        Relation copy = new Relation(TARGET.id(), SOURCE.columns(), List.of("id"));

        Mapping mapping = mapping(compile("SELECT * FROM users", SOURCE, copy));

        assertThat(mapping.mapper().map(user()))
                .isEqualTo(
                        new MappedRow.Upsert(
                                Row.of(
                                        mapping.target(),
                                        "7",
                                        "Ann",
                                        "a@b",
                                        "30",
                                        "1.50",
                                        "{\"a\": 1}",
                                        "t")));
    }

    @Test
    void namesTheSourceColumnsWhoseValuesArriveUnchanged() {
        assertThat(
                        mapping(
                                        "SELECT id, name AS full_name, CAST(age AS bigint) AS cents FROM users")
                                .mapper()
                                .copies())
                .isEqualTo(Map.of("id", "id", "full_name", "name", "cents", "age"));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "CAST(price * 100 AS bigint) AS cents",
                "CAST(price AS bigint) AS cents",
                "CAST(age + 1 AS bigint) AS cents",
                "age + 0 AS cents",
                "CAST(age AS text) AS full_name",
                "7 AS cents"
            })
    void aComputedValueIsNoCopy(String expression) {
        assertThat(mapping("SELECT id, " + expression + " FROM users").mapper().copies())
                .isEqualTo(Map.of("id", "id"));
    }
}
