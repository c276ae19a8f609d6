package dev.millrace.preflight;

import static dev.millrace.preflight.Reported.open;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import dev.millrace.grants.Grants;
import dev.millrace.grants.Grants.Side;
import dev.millrace.preflight.plan.Finding;
import dev.millrace.preflight.plan.Finding.Status;
import dev.millrace.spec.MigrationSpec;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// The schemas of the types that a cast names.
class TypePrivilegeIT {

    private static final String MAPPING =
            "public.customer: SELECT id, user_name AS full_name, mood FROM public.users";

    private final PreflightScene scene = new PreflightScene();

    /// A domain over an array of an enum, each in another schema.
    private void moods() {
        for (var database : List.of(scene.source, scene.target)) {
            database.execute(
                    "CREATE SCHEMA kinds",
                    "CREATE SCHEMA checked",
                    "CREATE TYPE kinds.mood AS ENUM ('a', 'b')",
                    "CREATE DOMAIN checked.moods AS kinds.mood[]");
        }
        scene.source.execute("ALTER TABLE users ADD mood checked.moods");
        scene.target.execute("ALTER TABLE customer ADD mood checked.moods");
    }

    private static List<Finding> found(PreflightReport report) {
        return report.findings().stream()
                .filter(finding -> finding.check().endsWith("type-privilege"))
                .toList();
    }

    @Test
    void refusesAColumnThatCannotBeWrittenAndWarnsOfTheWayBack() {
        moods();

        PreflightReport report = scene.plan(MAPPING);

        assertThat(open(report)).hasSize(1);
        assertThat(found(report))
                .extracting(Finding::check, Finding::status, Finding::object)
                .containsExactly(
                        tuple("source.type-privilege", Status.OK, "source keys"),
                        tuple("target.type-privilege", Status.REFUSED, "schema kinds"),
                        tuple("switchover.type-privilege", Status.WARNING, "schema kinds"));
        assertThat(found(report).get(1).message()).contains("public.customer.mood");
        assertThat(found(report).getLast().message()).contains("public.users.mood");
    }

    /// The type in which a key is compared, and for a length the declared one that prints it. A
    /// text is written in the base type.
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "checked.mark  | kinds   | kinds",
                "checked.word  | checked | checked",
                "checked.short | checked | checked",
                "kinds.mark    | kinds   | kinds"
            })
    void asksForTheTypesInWhichAKeyIsCompared(String type, String source, String target) {
        for (var database : List.of(scene.source, scene.target)) {
            database.execute(
                    "CREATE SCHEMA kinds",
                    "CREATE SCHEMA checked",
                    "CREATE TYPE kinds.mark AS ENUM ('a')",
                    "CREATE DOMAIN checked.mark AS kinds.mark",
                    "CREATE DOMAIN checked.word AS text",
                    "CREATE DOMAIN checked.short AS varchar(3)",
                    "CREATE TABLE marked (id " + type + " PRIMARY KEY)",
                    "ALTER TABLE marked OWNER TO " + scene.role);
        }

        List<Finding> found = found(scene.plan("public.marked: SELECT id FROM public.marked"));

        assertThat(refused(found, "source")).isEqualTo(source);
        assertThat(refused(found, "target")).isEqualTo(target);
    }

    private static String refused(List<Finding> found, String side) {
        return found.stream()
                .filter(finding -> finding.check().startsWith(side + "."))
                .filter(finding -> finding.status() == Status.REFUSED)
                .map(finding -> finding.object().replace("schema ", ""))
                .collect(Collectors.joining(" "));
    }

    @Test
    void acceptsWhatIsPrintedForTheLogins() {
        moods();
        MigrationSpec spec = scene.spec(MAPPING);

        Grants.of(spec)
                .forEach(
                        each ->
                                (each.side() == Side.SOURCE ? scene.source : scene.target)
                                        .execute(each.statements().toArray(String[]::new)));

        assertThat(found(scene.plan(MAPPING))).allMatch(found -> found.status() == Status.OK);
    }
}
