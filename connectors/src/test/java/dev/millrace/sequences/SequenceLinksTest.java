package dev.millrace.sequences;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.change.TableId;
import dev.millrace.expression.CaseMaps;
import dev.millrace.mapping.Mapping;
import dev.millrace.mapping.SelectCompiler;
import dev.millrace.mapping.SelectCompiler.CompileResult;
import dev.millrace.sequences.Sequence.Supply;
import dev.millrace.sequences.Sequence.Values;
import dev.millrace.sequences.SequenceCatalog.Side;
import dev.millrace.sequences.SequenceLinks.Link;
import dev.millrace.sequences.SequencePlan.Access;
import dev.millrace.sequences.TargetSequences.Direction;
import dev.millrace.sequences.TargetSequences.Scope;
import dev.millrace.sql.Relation;
import dev.millrace.sql.SelectParser;
import dev.millrace.sql.SelectParser.ParseResult;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

class SequenceLinksTest {

    private static final TableId PERSON = new TableId("public", "person");
    private static final TableId USERS = new TableId("public", "users");
    private static final Side PERSONS = side(PERSON, sequence("person_id_seq"));
    private static final Side ALL_USERS = side(USERS, sequence("users_id_seq"));

    private static Sequence sequence(String name) {
        return new Sequence(
                new TableId("public", name),
                "bigint",
                1,
                1,
                Long.MAX_VALUE,
                false,
                1,
                false,
                new Access(true, true, true));
    }

    /// The sequence supplies column `id` of the table.
    private static Side side(TableId table, Sequence sequence) {
        return new Side(
                List.of(new Supply(table, "id", sequence.id(), "", new Values("int8", true, true))),
                new TreeMap<>(Map.of(sequence.id(), sequence)),
                "role");
    }

    private static Relation relation(TableId id) {
        return new Relation(
                id,
                List.of(
                        new Relation.Column(
                                "id",
                                new Relation.SqlType(
                                        "pg_catalog", "int8", "bigint", -1, Optional.empty()),
                                true,
                                false,
                                Relation.Collation.NONE)),
                List.of("id"));
    }

    private static Scope copies(TableId into) {
        return new Scope(
                Direction.FORWARD,
                List.of(
                        switch (SelectParser.parse("SELECT id FROM public.person")) {
                            case ParseResult.Refused(var problems) ->
                                    throw new AssertionError(problems);
                            case ParseResult.Parsed(var statement) ->
                                    switch (SelectCompiler.compile(
                                            statement,
                                            relation(PERSON),
                                            relation(into),
                                            List.of("id"),
                                            CaseMaps.none())) {
                                        case CompileResult.Compiled(Mapping mapping, var _) ->
                                                mapping;
                                        case CompileResult.Refused(var problems) ->
                                                throw new AssertionError(problems);
                                    };
                        }),
                List.of());
    }

    private static void assertContinues(Scope scope) {
        List<Link> links = SequenceLinks.of(scope, PERSONS, ALL_USERS);

        assertThat(links)
                .singleElement()
                .satisfies(
                        link -> {
                            assertThat(link.sequence().id().name()).isEqualTo("users_id_seq");
                            assertThat(link.sources())
                                    .extracting(source -> source.id().name())
                                    .containsExactly("person_id_seq");
                        });
        assertThat(SequenceLinks.withoutSuccessor(scope, PERSONS, links)).isEmpty();
    }

    @Test
    void aSequenceContinuesTheOneOfTheCopiedColumn() {
        assertContinues(copies(USERS));
    }

    /// A value may be used up without a row, so the rows do not tell it.
    @Test
    void aSequenceContinuesTheOneOfATableThatIsAPartOfItsRows() {
        assertContinues(copies(USERS.withPart(PERSON.toString())));
    }
}
