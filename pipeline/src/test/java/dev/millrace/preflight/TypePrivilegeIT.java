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
import org.junit.jupiter.api.Test;

/// The schemas of the types that a cast names.
class TypePrivilegeIT {

    private static final String MAPPING =
            "public.customer: SELECT id, user_name AS full_name, mood FROM public.users";

    private final PreflightScene scene = new PreflightScene();

    /// A domain over an array of an enum, each in a schema of its own.
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
