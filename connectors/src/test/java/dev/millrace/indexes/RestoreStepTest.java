package dev.millrace.indexes;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import dev.millrace.change.TableId;
import dev.millrace.control.DroppedDefinitions.Definition;
import dev.millrace.control.DroppedDefinitions.Kind;
import dev.millrace.indexes.RestoreStep.Sql;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/// What can be dropped, and the next step for what was dropped, by rows of the catalog.
class RestoreStepTest {

    private static final TableId TABLE = new TableId("S", "t\"1");
    private static final String TEXT = "CREATE INDEX i ON \"S\".\"t\"\"1\" USING btree (a)";
    private static final String KEY = "FOREIGN KEY (a) REFERENCES \"S\".p(id)";
    private static final Definition INDEX = definition(Kind.INDEX, "i", TEXT, true);
    private static final Definition CHECKED = definition(Kind.FOREIGN_KEY, "f", KEY, true);
    private static final Definition UNCHECKED =
            definition(Kind.FOREIGN_KEY, "f", KEY + " NOT VALID", false);

    private static Definition definition(Kind kind, String name, String text, boolean validated) {
        return new Definition(
                kind, TABLE, name, text, "", "", Collections.emptySortedMap(), false, validated);
    }

    /// @param more rows of `name, kind, text, flags`
    private static TableObjects catalog(String... more) {
        List<List<@Nullable String>> rows = new ArrayList<>();
        rows.add(row("table", "", "ann", "owned,creates"));
        for (String each : more) {
            String[] cells = each.split("\\|", -1);
            rows.add(row(cells[1], cells[0], cells[2], cells[3]));
        }
        return TableObjects.of(rows).getFirst();
    }

    private static List<@Nullable String> row(String kind, String name, String text, String flags) {
        return List.of(TABLE.schema(), TABLE.name(), kind, name, text, "", "", "", flags);
    }

    static Stream<Arguments> steps() {
        return Stream.of(
                arguments(INDEX, "", new RestoreStep.Create()),
                arguments(INDEX, "j|index|" + TEXT + "|", new RestoreStep.Create()),
                arguments(INDEX, "i|foreign key|" + KEY + "|", new RestoreStep.Create()),
                arguments(INDEX, "i|index|" + TEXT + "|", new RestoreStep.Finish()),
                arguments(INDEX, "i|index|" + TEXT + "|clustered", new RestoreStep.Finish()),
                arguments(INDEX, "i|index|" + TEXT + "|invalid", new RestoreStep.Remove()),
                arguments(
                        INDEX,
                        "i|index|" + TEXT + "|unique,invalid",
                        new RestoreStep.Conflict(
                                "it is unique: it refuses a duplicate as soon as one is written")),
                arguments(
                        INDEX,
                        "i|index|CREATE INDEX i ON t (b)|",
                        new RestoreStep.Conflict("its definition is CREATE INDEX i ON t (b)")),
                arguments(CHECKED, "", new RestoreStep.Create()),
                arguments(CHECKED, "f|foreign key|" + KEY + "|validated", new RestoreStep.Finish()),
                arguments(
                        CHECKED,
                        "f|foreign key|" + KEY + " NOT VALID|",
                        new RestoreStep.Validate()),
                arguments(
                        UNCHECKED,
                        "f|foreign key|" + KEY + " NOT VALID|",
                        new RestoreStep.Finish()),
                arguments(
                        UNCHECKED,
                        "f|foreign key|" + KEY + "|validated",
                        new RestoreStep.Conflict("its definition is " + KEY)));
    }

    @ParameterizedTest
    @MethodSource("steps")
    void theCatalogDecidesTheNextStep(Definition stored, String found, RestoreStep step) {
        TableObjects catalog = found.isEmpty() ? catalog() : catalog(found);

        assertThat(RestoreStep.next(stored, catalog)).isEqualTo(step);
    }

    @Test
    void whatCannotBeRestoredExactlyStays() {
        TableObjects objects =
                catalog(
                        "a|index|x|",
                        "b|index|x|clustered",
                        "c|index|x|constraint,unique",
                        "d|index|x|identity",
                        "e|index|x|inherited",
                        "f|index|x|dependents",
                        "g|index|x|extension",
                        "h|index|x|tablespace",
                        "i|index|x|partitioned",
                        "j|index|x|invalid",
                        "k|foreign key|x|validated",
                        "l|foreign key|x|triggers",
                        "m|foreign key|x|references,validated");

        assertThat(objects.owner()).isEqualTo("ann");
        assertThat(objects.owned()).isTrue();
        assertThat(objects.creates()).isTrue();
        assertThat(objects.removable().stream().map(Definition::name))
                .containsExactly("a", "b", "k");
        assertThat(objects.invalid().stream().map(Definition::name)).containsExactly("j");
        assertThat(objects.kept().stream().map(TableObjects.Kept::name))
                .containsExactly("c", "d", "e", "f", "g", "h", "i", "j", "l", "m");
        assertThat(objects.kept().getFirst().reason()).contains("constraint");
    }

    @Test
    void statementsQuoteEveryName() {
        Definition full =
                new Definition(
                        Kind.INDEX,
                        TABLE,
                        "odd \"i\"",
                        TEXT,
                        "",
                        "Ann's",
                        new TreeMap<>(Map.of(1, 0, 2, 500)),
                        true,
                        true);

        assertThat(Sql.drop(full)).isEqualTo("DROP INDEX \"S\".\"odd \"\"i\"\"\"");
        assertThat(Sql.create(full))
                .isEqualTo("CREATE INDEX CONCURRENTLY i ON \"S\".\"t\"\"1\" USING btree (a)");
        assertThat(Sql.finish(full))
                .containsExactly(
                        "COMMENT ON INDEX \"S\".\"odd \"\"i\"\"\" IS 'Ann''s'",
                        "ALTER INDEX \"S\".\"odd \"\"i\"\"\" ALTER COLUMN 1 SET STATISTICS 0",
                        "ALTER INDEX \"S\".\"odd \"\"i\"\"\" ALTER COLUMN 2 SET STATISTICS 500",
                        "ALTER TABLE \"S\".\"t\"\"1\" CLUSTER ON \"odd \"\"i\"\"\"");
        assertThat(Sql.create(CHECKED))
                .isEqualTo(
                        "ALTER TABLE \"S\".\"t\"\"1\" ADD CONSTRAINT \"f\" " + KEY + " NOT VALID");
        assertThat(Sql.create(UNCHECKED)).isEqualTo(Sql.create(CHECKED));
        assertThat(Sql.validate(CHECKED))
                .isEqualTo("ALTER TABLE \"S\".\"t\"\"1\" VALIDATE CONSTRAINT \"f\"");
        assertThat(Sql.drop(CHECKED))
                .isEqualTo("ALTER TABLE \"S\".\"t\"\"1\" DROP CONSTRAINT \"f\"");
    }

    @Test
    void anUnknownDefinitionIsNotRun() {
        Definition unique = definition(Kind.INDEX, "i", "CREATE UNIQUE INDEX i ON t (a)", true);

        assertThatThrownBy(() -> Sql.create(unique)).isInstanceOf(IllegalStateException.class);
    }
}
