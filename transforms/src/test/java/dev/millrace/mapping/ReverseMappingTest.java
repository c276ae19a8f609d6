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
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// SELECTs of `reverse`, and how the inverses of several target tables combine.
class ReverseMappingTest {

    private static final Relation SOURCE =
            Tables.table(
                    "users", "id int4!; name text!; email varchar(40); age int2; tier text!", "id");
    private static final Relation TARGET =
            Tables.table("customer", "id int8!; full_name text; email text; years int4", "id");
    private static final TableId CUSTOMER = new TableId("crm", "customer");
    private static final TableId CONTACT = new TableId("crm", "contact");

    private static CompileResult compile(String text) {
        return switch (SelectParser.parse(text)) {
            case ParseResult.Parsed(SelectStatement statement) ->
                    SelectCompiler.compileReverse(
                            statement, TARGET, SOURCE, Set.of(), CaseMaps.none());
            case ParseResult.Refused(List<Problem> problems) -> new CompileResult.Refused(problems);
        };
    }

    private static CompileResult.Compiled compiled(String text) {
        return switch (compile(text)) {
            case CompileResult.Compiled compiled -> compiled;
            case CompileResult.Refused(List<Problem> problems) ->
                    throw new AssertionError(problems.toString());
        };
    }

    @Test
    void reverseSelectSuppliesSomeColumnsOfTheSourceTable() {
        CompileResult.Compiled compiled =
                compiled("SELECT CAST(id AS int4) AS id, full_name || '!' AS name FROM customer");

        assertThat(compiled.inverses())
                .containsExactly(
                        Map.entry("id", new Inverse.Declared("CAST(\"id\" AS int4)")),
                        Map.entry("name", new Inverse.Declared("(\"full_name\" || '!')")));
        assertThat(compiled.mapping().source()).isEqualTo(TARGET.id());
        RowSchema schema =
                RowSchema.keyed(
                        TARGET.id(),
                        TARGET.columns().stream().map(Relation.Column::name).toList(),
                        List.of("id"));
        assertThat(compiled.mapping().mapper().map(Row.of(schema, "7", "Ann", "a@b", "30")))
                .isEqualTo(
                        new MappedRow.Upsert(
                                Row.of(
                                        RowSchema.keyed(
                                                SOURCE.id(), List.of("id", "name"), List.of("id")),
                                        "7",
                                        "Ann!")));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "SELECT CAST(id AS int4) AS id, fullname AS name FROM customer | 1:32 public.customer"
                        + " has no column fullname",
                "SELECT CAST(id AS int4) AS id, full_name AS nam FROM customer | 1:32 public.users has"
                        + " no column nam",
                "SELECT CAST(id AS int4) AS id, years AS age FROM customer | 1:32 int4 does not fit age"
                        + " of public.users, which is int2",
                "SELECT full_name AS name FROM customer | the SELECT does not supply id, which is part"
                        + " of the key of public.users",
                "SELECT id, full_name AS name FROM customer | int8 does not fit id of public.users",
                "SELECT years AS id FROM customer | key column id of public.users is computed from"
                        + " years, which is not in the key of public.customer",
                "SELECT 1 AS id FROM customer | two rows could become one"
            })
    void refusesReverseSelectThatDoesNotFit(String select, String problem) {
        assertThat(compile(select))
                .isInstanceOfSatisfying(
                        CompileResult.Refused.class,
                        refused ->
                                assertThat(refused.problems())
                                        .anySatisfy(
                                                found ->
                                                        assertThat(
                                                                        found.at().line()
                                                                                + ":"
                                                                                + found.at()
                                                                                        .column()
                                                                                + " "
                                                                                + found.message())
                                                                .contains(problem)));
    }

    private static Map<String, Inverse> inverses(Inverse id, Inverse name) {
        Map<String, Inverse> inverses = new LinkedHashMap<>();
        inverses.put("id", id);
        inverses.put("name", name);
        return inverses;
    }

    private static List<ReverseMapping> of(ReverseMapping.Part... parts) {
        return ReverseMapping.of(SOURCE.id(), List.of(parts));
    }

    @Test
    void declaredInverseReplacesEveryOther() {
        Inverse exact = new Inverse.Exact("x");
        Inverse lossy = new Inverse.Lossy("y", "why");
        Inverse declared = new Inverse.Declared("z");

        ReverseMapping mapping =
                of(
                                new ReverseMapping.Part(
                                        CUSTOMER, false, inverses(exact, new Inverse.None("why"))),
                                new ReverseMapping.Part(CONTACT, false, inverses(declared, lossy)))
                        .getFirst();

        assertThat(mapping.targets()).containsExactly(CUSTOMER, CONTACT);
        assertThat(mapping.isPart()).isFalse();
        assertThat(mapping.columns())
                .containsExactly(
                        Map.entry("id", new ReverseMapping.Origin(CONTACT, declared)),
                        Map.entry("name", new ReverseMapping.Origin(CONTACT, lossy)));
    }

    @Test
    void tableWithAllRowsExcludesTablesWithSome() {
        Inverse exact = new Inverse.Exact("x");
        ReverseMapping.Part all =
                new ReverseMapping.Part(CUSTOMER, false, inverses(exact, new Inverse.Absent()));
        ReverseMapping.Part some = new ReverseMapping.Part(CONTACT, true, inverses(exact, exact));

        assertThat(of(some, all))
                .singleElement()
                .satisfies(
                        mapping -> {
                            assertThat(mapping.targets()).containsExactly(CUSTOMER);
                            assertThat(mapping.columns())
                                    .containsEntry(
                                            "name",
                                            new ReverseMapping.Origin(
                                                    CUSTOMER, new Inverse.Absent()));
                        });
        assertThat(of(some)).singleElement().satisfies(m -> assertThat(m.isPart()).isFalse());
        assertThat(of(some, some)).hasSize(2).allMatch(ReverseMapping::isPart);
    }

    @Test
    void firstOfEqualInversesIsTaken() {
        Inverse exact = new Inverse.Exact("x");
        Map<String, Inverse> both = inverses(exact, exact);

        assertThat(
                        of(
                                        new ReverseMapping.Part(CUSTOMER, false, both),
                                        new ReverseMapping.Part(CONTACT, false, both))
                                .getFirst()
                                .columns()
                                .values())
                .allMatch(origin -> origin.target().equals(CUSTOMER));
    }
}
