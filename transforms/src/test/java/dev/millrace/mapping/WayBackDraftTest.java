package dev.millrace.mapping;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.change.Row;
import dev.millrace.change.RowSchema;
import dev.millrace.expression.CaseMaps;
import dev.millrace.expression.Tables;
import dev.millrace.mapping.RowMapper.MappedRow;
import dev.millrace.mapping.SelectCompiler.CompileResult;
import dev.millrace.mapping.WayBackDraft.Hindered;
import dev.millrace.mapping.WayBackDraft.Part;
import dev.millrace.mapping.WayBackDraft.Select;
import dev.millrace.problem.Problem;
import dev.millrace.sql.Relation;
import dev.millrace.sql.SelectParser;
import dev.millrace.sql.SelectParser.ParseResult;
import dev.millrace.sql.SelectStatement;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// The SELECT over a target table that brings its rows back, and when there is none.
class WayBackDraftTest {

    private static final Relation USERS =
            Tables.table(
                    "users", "id int4!; name text!; email text; price numeric; gone bool", "id");
    private static final Relation CUSTOMER =
            Tables.table(
                    "customer",
                    "id int8!; full_name text; email text; price numeric(10,2); gone bool",
                    "id");
    private static final Relation NOTE =
            Tables.table("note", "region text!; id int4!; body text; n int2", "region", "id");
    private static final CaseMaps CASE_MAPS =
            new CaseMaps(Map.of("default", new CaseMaps.CaseMap(Map.of(), Map.of(), Set.of())));

    private static SelectStatement parsed(String text) {
        return switch (SelectParser.parse(text)) {
            case ParseResult.Parsed(SelectStatement statement) -> statement;
            case ParseResult.Refused(List<Problem> problems) ->
                    throw new AssertionError(problems.toString());
        };
    }

    private static CompileResult.Compiled compiled(CompileResult result) {
        return switch (result) {
            case CompileResult.Compiled compiled -> compiled;
            case CompileResult.Refused(List<Problem> problems) ->
                    throw new AssertionError(problems.toString());
        };
    }

    private static Part part(String select, Relation source, Relation target) {
        SelectStatement statement = parsed(select);
        return new Part(
                statement,
                source,
                target,
                compiled(SelectCompiler.compile(statement, source, target, target.key(), CASE_MAPS))
                        .inverses());
    }

    private static Select only(Part... parts) {
        List<WayBackDraft> drafts = WayBackDraft.of(List.of(parts));
        assertThat(drafts).singleElement().isInstanceOf(Select.class);
        return (Select) drafts.getFirst();
    }

    private static Hindered hindered(Part... parts) {
        List<WayBackDraft> drafts = WayBackDraft.of(List.of(parts));
        assertThat(drafts).singleElement().isInstanceOf(Hindered.class);
        return (Hindered) drafts.getFirst();
    }

    private static Mapping mapping(Select draft) {
        return compiled(SelectCompiler.compileBack(draft, parsed(draft.text()), CASE_MAPS))
                .mapping();
    }

    private static Row row(Relation table, String... cells) {
        return Row.of(
                RowSchema.keyed(
                        table.id(),
                        table.columns().stream().map(Relation.Column::name).toList(),
                        table.key()),
                cells);
    }

    private static Row written(Relation table, List<String> columns, String... cells) {
        return Row.of(RowSchema.keyed(table.id(), columns, table.key()), cells);
    }

    @Test
    void targetRowGivesTheSourceRow() {
        Select draft =
                only(
                        part(
                                "SELECT id, name AS full_name, lower(email) AS email FROM users",
                                USERS,
                                CUSTOMER));

        assertThat(draft.text())
                .isEqualTo(
                        "SELECT CAST(\"id\" AS int4) AS \"id\", \"full_name\" AS \"name\","
                                + " \"email\" AS \"email\" FROM \"public\".\"customer\"");
        Mapping mapping = mapping(draft);
        assertThat(mapping.mapper().map(row(CUSTOMER, "7", "Ann", "a@x", "1.00", "f")))
                .isEqualTo(
                        new MappedRow.Upsert(
                                written(USERS, List.of("id", "name", "email"), "7", "Ann", "a@x")));
        assertThat(mapping.mapper().concerns(row(CUSTOMER, "7", "Ann", "a@x", "1.00", "f")))
                .isTrue();
        assertThat(mapping.mapper().takesEveryRow()).isTrue();
    }

    @Test
    void keptColumnIsComparedByTheExpressionOfTheSelect() {
        Select draft =
                only(
                        part(
                                "SELECT CAST(id AS int8) AS id, name AS full_name, lower(u.email) AS email,"
                                        + " CAST(price AS numeric(10,2)) AS price FROM users u",
                                USERS,
                                CUSTOMER));

        Map<String, WayBack.Kept> kept = draft.kept(parsed(draft.text()));

        assertThat(kept).containsOnlyKeys("email", "price");
        assertThat(Objects.requireNonNull(kept.get("email")).sql("t.\"email\""))
                .isEqualTo("(\"lower\"(t.\"email\") COLLATE \"C\")");
        assertThat(Objects.requireNonNull(kept.get("price")).sql("t.\"price\""))
                .isEqualTo("CAST(t.\"price\" AS numeric(10,2))");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "SELECT id, email FROM users | name is NOT NULL without a default",
                "SELECT id, substr(name, 2) AS full_name FROM users | name is NOT NULL",
                "SELECT id, name AS full_name FROM users WHERE price > 1 |"
                        + " the WHERE of public.customer reads price,",
                "SELECT id, name AS full_name, lower(email) AS email FROM users WHERE email <> ''"
                        + " | the WHERE of public.customer reads email,"
            })
    void saysWhichColumnsHinderTheWayBack(String select, String reason) {
        Hindered hindered = hindered(part(select, USERS, CUSTOMER));

        assertThat(hindered.reason()).startsWith(reason);
        assertThat(hindered.remedy()).contains("to reverse.");
    }

    @Test
    void columnsOfTheWhereComeBack() {
        Select fixed =
                only(
                        part(
                                "SELECT id, name AS full_name FROM users WHERE NOT gone AND id > 5",
                                USERS,
                                CUSTOMER));
        assertThat(fixed.text()).contains("FALSE AS \"gone\"").doesNotContain("WHERE");

        Select copied =
                only(
                        part(
                                "SELECT id, name AS full_name, gone FROM users WHERE gone IS NOT"
                                        + " NULL",
                                USERS,
                                CUSTOMER));
        assertThat(copied.text()).contains("\"gone\" AS \"gone\"");
    }

    @Test
    void eachTargetTableOfASplitBringsItsColumnsBack() {
        Relation other =
                Tables.table("other", "user_id int8!; email text; price numeric", "user_id");

        List<WayBackDraft> drafts =
                WayBackDraft.of(
                        List.of(
                                part(
                                        "SELECT id, name AS full_name, lower(email) AS email, gone FROM users",
                                        USERS,
                                        CUSTOMER),
                                part(
                                        "SELECT id AS user_id, email, price FROM users",
                                        USERS,
                                        other)));

        assertThat(drafts).hasSize(2);
        Mapping names = mapping((Select) drafts.getFirst());
        Mapping rest = mapping((Select) drafts.getLast());
        assertThat(names.target().table()).isEqualTo(USERS.id().withPart("public.customer"));
        assertThat(names.target().columns()).containsExactly("id", "name", "gone");
        assertThat(rest.target().table()).isEqualTo(USERS.id().withPart("public.other"));
        // It is exact there, and lossy in the other table.
        assertThat(rest.target().columns()).containsExactly("id", "email", "price");
        assertThat(rest.mapper().map(row(other, "7", "a@X", "1.50")))
                .isEqualTo(
                        new MappedRow.Upsert(
                                Row.of(
                                        RowSchema.keyed(
                                                USERS.id().withPart("public.other"),
                                                List.of("id", "email", "price"),
                                                List.of("id")),
                                        "7",
                                        "a@X",
                                        "1.50")));
    }

    @Test
    void splitThatLacksANeededColumnDoesNotComeBack() {
        Relation other = Tables.table("other", "id int4!; price numeric", "id");
        Relation strict =
                Tables.table("users", "id int4!; name text!; email text!; price numeric", "id");

        assertThat(
                        hindered(
                                        part(
                                                "SELECT id, name AS full_name FROM users",
                                                strict,
                                                CUSTOMER),
                                        part("SELECT id, price FROM users", strict, other))
                                .reason())
                .startsWith(
                        "email is NOT NULL without a default, and no column of public.customer, public.other gives");
    }

    @Test
    void rowsOfATableWithAWhereAreNotJoined() {
        Relation other = Tables.table("other", "id int4!; email text; price numeric", "id");
        Part names = part("SELECT id, name AS full_name FROM users", USERS, CUSTOMER);

        assertThat(
                        hindered(
                                        names,
                                        part(
                                                "SELECT id, email FROM users WHERE id > 5",
                                                USERS,
                                                other))
                                .reason())
                .startsWith(
                        "email comes back from public.other, but its rows from public.customer");
        assertThat(
                        only(names, part("SELECT id FROM users WHERE id > 5", USERS, other))
                                .part()
                                .target())
                .isEqualTo(CUSTOMER);
    }

    @Test
    void targetTablesWithDisjointKeysEachBringTheirRowsBack() {
        Relation eu = Tables.table("eu", "region text!; id int4!; body text", "region", "id");
        Relation us = Tables.table("us", "region text!; id int4!; body text", "region", "id");
        String select = "SELECT region, id, body FROM note WHERE region = '%s'";
        List<WayBackDraft> drafts =
                WayBackDraft.of(
                        List.of(
                                part(select.formatted("eu"), NOTE, eu),
                                part(select.formatted("us"), NOTE, us)));

        assertThat(drafts).hasSize(2);
        RowMapper back = mapping((Select) drafts.getLast()).mapper();
        assertThat(back.concerns(row(us, "us", "1", "x"))).isTrue();
        assertThat(back.concerns(row(us, "eu", "1", "x"))).isFalse();
        assertThat(back.map(row(us, "us", "1", "x")))
                .isEqualTo(
                        new MappedRow.Upsert(
                                Row.of(
                                        RowSchema.keyed(
                                                NOTE.id().withPart("public.us"),
                                                List.of("region", "id", "body"),
                                                List.of("region", "id")),
                                        "us",
                                        "1",
                                        "x")));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "region = 'eu' | region = 'eu'",
                "region = 'eu' | region <> 'eu'",
                "body = 'eu' | body = 'us'",
                "region = 'eu' | body = 'us'",
                "id = 1 | id = 01",
                "id = 1 | id = 1.0"
            })
    void rowsThatCanMoveBetweenTargetTablesDoNotComeBack(String one, String other) {
        Relation eu = Tables.table("eu", "region text!; id int4!; body text", "region", "id");
        Relation us = Tables.table("us", "region text!; id int4!; body text", "region", "id");
        String select = "SELECT region, id, body FROM note WHERE ";

        assertThat(hindered(part(select + one, NOTE, eu), part(select + other, NOTE, us)).reason())
                .startsWith("a row can move between public.eu, public.us");
    }

    @Test
    void differentConstantsCanBeEqualInANondeterministicCollation() {
        Relation.Collation mixed =
                new Relation.Collation("mixed", Relation.Collation.Provider.ICU, false);
        Relation note = Tables.table("note", mixed, "region text!; id int4!", "region", "id");
        Relation eu = Tables.table("eu", mixed, "region text!; id int4!", "region", "id");
        Relation us = Tables.table("us", mixed, "region text!; id int4!", "region", "id");
        String select = "SELECT region, id FROM note WHERE region = '%s'";

        assertThat(
                        hindered(
                                        declared(select.formatted("EU"), note, eu),
                                        declared(select.formatted("eu"), note, us))
                                .reason())
                .startsWith("a row can move between public.eu, public.us");
    }

    /// With an inverse that reads the column of the same name, whatever the SELECT is.
    private static Part declared(String select, Relation source, Relation target) {
        return new Part(
                parsed(select),
                source,
                target,
                source.columns().stream()
                        .map(Relation.Column::name)
                        .collect(
                                Collectors.toMap(
                                        name -> name, name -> new Inverse.Declared(name))));
    }

    @Test
    void declaredColumnsOfTheWhereComeBack() {
        assertThat(
                        only(declared(
                                        "SELECT id, name FROM users WHERE email <> ''",
                                        USERS,
                                        CUSTOMER))
                                .text())
                .contains("email AS \"email\"");
    }

    @Test
    void columnWithADefaultNeedsNoInverse() {
        Relation users =
                new Relation(
                        USERS.id(),
                        USERS.columns().stream()
                                .map(
                                        column ->
                                                new Relation.Column(
                                                        column.name(),
                                                        column.type(),
                                                        column.notNull(),
                                                        column.generated(),
                                                        column.collation(),
                                                        true))
                                .toList(),
                        USERS.key());

        assertThat(only(part("SELECT id, email FROM users", users, CUSTOMER)).text())
                .doesNotContain("\"name\"");
    }

    @Test
    void constantOfTheKeySaysToWhichSourceTableARowBelongs() {
        Relation euNotes = Tables.table("note_eu", "id int4!; body text", "id");
        Select draft = only(part("SELECT 'eu' AS region, id, body FROM note_eu", euNotes, NOTE));

        assertThat(draft.text()).endsWith(" FROM \"public\".\"note\" WHERE \"region\" = 'eu'");
        RowMapper back = mapping(draft).mapper();
        RowSchema key = new RowSchema(NOTE.id(), List.of("region", "id"), List.of(0, 1));
        assertThat(back.takesEveryRow()).isFalse();
        assertThat(back.concerns(Row.of(key, "eu", "1"))).isTrue();
        assertThat(back.concerns(Row.of(key, "us", "1"))).isFalse();
        assertThat(back.key(Row.of(key, "eu", "1")).text(0)).isEqualTo("1");
        assertThat(back.map(row(NOTE, "eu", "1", "x", "3")))
                .isEqualTo(new MappedRow.Upsert(written(euNotes, List.of("id", "body"), "1", "x")));
    }

    @Test
    void numberOfTheWhereHasTheTypeOfTheColumn() {
        Relation notes = Tables.table("notes", "region text!; id int4!; body text", "region", "id");

        Select draft = only(part("SELECT region, id FROM note WHERE n = 3", NOTE, notes));

        assertThat(draft.text()).contains("CAST(3 AS int2) AS \"n\"");
        assertThat(mapping(draft).target().columns()).containsExactly("region", "id", "n");
    }
}
