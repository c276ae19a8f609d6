package dev.millrace.preflight;

import static dev.millrace.preflight.Reported.open;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

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
                                "sequence public.invoice of the source",
                                "GRANT SELECT ON SEQUENCE \"public\".\"invoice\" TO \"%s\";"
                                        .formatted(scene.role)),
                        tuple(
                                "sequence public.invoice of the target",
                                "GRANT SELECT, UPDATE ON SEQUENCE \"public\".\"invoice\" TO \"%s\";"
                                        .formatted(scene.role)));
        scene.source.execute(findings.getFirst().remedy());
        scene.target.execute(findings.getLast().remedy());
        assertThat(found(scene.plan(WILDCARD)))
                .singleElement()
                .matches(only -> only.status() == Status.OK);
    }
}
