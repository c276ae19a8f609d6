package dev.millrace.preflight;

import static dev.millrace.preflight.Reported.open;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import dev.millrace.grants.Grants;
import dev.millrace.grants.Grants.RoleGrants;
import dev.millrace.grants.Grants.Side;
import dev.millrace.preflight.plan.Finding;
import dev.millrace.preflight.plan.Finding.Status;
import java.util.List;
import org.junit.jupiter.api.Test;

/// What a switchover needs of sequences, said before the migration starts.
class SequenceCheckIT {

    private static final String WILDCARD =
            """
            public.customer: SELECT id, user_name AS full_name, email FROM public.users
            public.*: SELECT * FROM public.*
            """;

    private final PreflightScene scene = new PreflightScene();

    private static List<Finding> found(PreflightReport report) {
        assertThat(open(report)).isEmpty();
        return report.findings().stream()
                .filter(finding -> finding.check().equals("switchover.sequences"))
                .toList();
    }

    @Test
    void saysThatSequencesCanBeReadAndSet() {
        scene.source.execute("ALTER TABLE users ALTER id ADD GENERATED ALWAYS AS IDENTITY");
        scene.target.execute("ALTER TABLE customer ALTER id ADD GENERATED ALWAYS AS IDENTITY");

        assertThat(found(scene.plan())).singleElement().matches(only -> only.status() == Status.OK);
    }

    /// Sequences of a column, of a domain, and of neither.
    @Test
    void acceptsWhatIsPrintedForTheLogins() {
        for (var database : List.of(scene.source, scene.target)) {
            database.execute(
                    "CREATE SEQUENCE invoice",
                    "CREATE SCHEMA numbers",
                    "CREATE SEQUENCE numbers.number",
                    "CREATE SEQUENCE ticket",
                    "CREATE DOMAIN numbered AS bigint DEFAULT nextval('numbers.number')",
                    "CREATE TABLE visit (id bigint PRIMARY KEY DEFAULT nextval('ticket'), at numbered)",
                    "ALTER TABLE visit OWNER TO " + scene.role);
        }
        assertThat(found(scene.plan(WILDCARD)))
                .extracting(Finding::object)
                .contains(
                        "sequence public.invoice of the source",
                        "sequence numbers.number of the target",
                        "sequence public.ticket of the source");

        for (RoleGrants each : Grants.of(scene.spec(WILDCARD))) {
            (each.side() == Side.SOURCE ? scene.source : scene.target)
                    .execute(each.statements().toArray(String[]::new));
        }

        assertThat(found(scene.plan(WILDCARD)))
                .noneMatch(each -> each.message().startsWith("cannot"));
    }

    /// Without UPDATE a rollback would end at its first step.
    @Test
    void warnsOfASequenceOfTheSourceThatARollbackCannotAdvance() {
        scene.source.execute(
                "CREATE SEQUENCE number",
                "ALTER TABLE users ALTER id SET DEFAULT nextval('number')",
                "GRANT SELECT ON SEQUENCE number TO " + scene.role);

        Finding found =
                found(scene.plan()).stream()
                        .filter(each -> each.message().startsWith("cannot"))
                        .findFirst()
                        .orElseThrow();

        assertThat(found.object()).isEqualTo("sequence public.number of the source");
        assertThat(found.message())
                .isEqualTo(
                        "cannot be read and set by the role %s, so after a rollback new rows would get keys of existing ones"
                                .formatted(scene.role));
        scene.source.execute(found.remedy());
        assertThat(found(scene.plan())).noneMatch(each -> each.message().startsWith("cannot"));
    }

    @Test
    void warnsOfMissingPrivilegesWithTheGrants() {
        for (var database : List.of(scene.source, scene.target)) {
            database.execute("CREATE SEQUENCE invoice");
        }

        List<Finding> findings = found(scene.plan(WILDCARD));

        assertThat(findings).allMatch(finding -> finding.status() == Status.WARNING);
        assertThat(findings)
                .extracting(Finding::object, Finding::remedy)
                .containsExactly(
                        tuple(
                                "sequence public.invoice of the target",
                                "GRANT SELECT, UPDATE ON SEQUENCE \"public\".\"invoice\" TO \"%s\";"
                                        .formatted(scene.role)),
                        tuple(
                                "sequence public.invoice of the source",
                                "GRANT SELECT, UPDATE ON SEQUENCE \"public\".\"invoice\" TO \"%s\";"
                                        .formatted(scene.role)));
        scene.target.execute(findings.getFirst().remedy());
        scene.source.execute(findings.getLast().remedy());
        assertThat(found(scene.plan(WILDCARD)))
                .singleElement()
                .matches(only -> only.status() == Status.OK);
    }
}
