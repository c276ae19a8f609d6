package dev.millrace.preflight;

import static dev.millrace.preflight.Reported.only;
import static dev.millrace.preflight.Reported.open;
import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.preflight.plan.Finding;
import java.util.List;
import org.junit.jupiter.api.Test;

/// What `plan` says about the indexes and foreign keys of target tables.
class IndexCheckIT {

    private final PreflightScene scene = new PreflightScene();

    private static List<Finding> found(PreflightReport report) {
        return report.findings().stream()
                .filter(finding -> finding.check().equals("target.indexes"))
                .toList();
    }

    @Test
    void namesWhatIsDroppedAndWhatStays() {
        scene.target.execute(
                "GRANT CREATE ON SCHEMA public TO " + scene.role,
                "CREATE INDEX by_email ON customer (email)",
                "CREATE UNIQUE INDEX by_name ON customer (full_name)",
                "ALTER TABLE customer ADD CONSTRAINT itself FOREIGN KEY (id) REFERENCES customer");
        assertThat(found(scene.plan()))
                .singleElement()
                .extracting(Finding::status, Finding::message)
                .containsExactly(Finding.Status.OK, "indexes and foreign keys stay");

        scene.more = "indexes: after-backfill";

        PreflightReport report = scene.plan();
        assertThat(open(report)).isEmpty();
        assertThat(found(report))
                .singleElement()
                .satisfies(
                        finding -> {
                            assertThat(finding.status()).isEqualTo(Finding.Status.WARNING);
                            assertThat(finding.object()).isEqualTo("public.customer");
                            assertThat(finding.message())
                                    .isEqualTo(
                                            "dropped before the backfill and created again when it is"
                                                    + " complete: foreign key itself, index by_email. Queries that use"
                                                    + " them are slow until then; index by_name stays, because it is"
                                                    + " unique: it refuses a duplicate as soon as one is written");
                        });
    }

    @Test
    void theSettingOfATableTakesPrecedence() {
        scene.target.execute("CREATE INDEX by_email ON customer (email)");
        scene.more = "indexes: after-backfill";

        PreflightReport report =
                scene.plan(
                        """
                        public.customer:
                          select: SELECT id, user_name AS full_name, email FROM public.users
                          indexes: keep
                        """);

        assertThat(found(report))
                .singleElement()
                .extracting(Finding::status)
                .isEqualTo(Finding.Status.OK);
    }

    @Test
    void refusesATableOfAnotherOwner() {
        scene.more = "indexes: after-backfill";
        scene.target.execute(
                "ALTER TABLE customer OWNER TO CURRENT_USER",
                "GRANT SELECT, INSERT, UPDATE, DELETE ON customer TO " + scene.role);
        String owner = String.valueOf(scene.target.value("SELECT current_user"));

        Finding refused = only(scene.plan());

        assertThat(refused.check()).isEqualTo("target.indexes");
        assertThat(refused.object()).isEqualTo("public.customer");
        assertThat(refused.message()).contains("the rights of the owner " + owner);
        assertThat(refused.remedy())
                .startsWith("ALTER TABLE \"public\".\"customer\" OWNER TO \"" + scene.role + "\";");
    }

    @Test
    void acceptsAMemberOfTheOwner() {
        scene.more = "indexes: after-backfill";
        String group = "group_of_" + scene.role;
        scene.target.execute(
                "CREATE ROLE " + group,
                "ALTER TABLE customer OWNER TO " + group,
                "GRANT " + group + " TO " + scene.role);

        assertThat(open(scene.plan())).isEmpty();
    }

    @Test
    void refusesASchemaInWhichTheIndexCannotBeCreatedAgain() {
        scene.more = "indexes: after-backfill";
        scene.target.execute(
                "CREATE SCHEMA closed",
                "ALTER TABLE customer SET SCHEMA closed",
                "GRANT USAGE ON SCHEMA closed TO " + scene.role);
        String tables =
                "closed.customer: SELECT id, user_name AS full_name, email FROM public.users";
        assertThat(open(scene.plan(tables))).as("there is no index to drop").isEmpty();
        scene.target.execute("CREATE INDEX by_email ON closed.customer (email)");

        Finding refused = only(scene.plan(tables));

        assertThat(refused.check()).isEqualTo("target.indexes");
        assertThat(refused.message()).contains("may not create objects in the schema closed");
        assertThat(refused.remedy()).startsWith("GRANT CREATE ON SCHEMA \"closed\" TO ");
    }

    @Test
    void aForeignKeyThatTheRoleCannotCreateAgainStays() {
        scene.more = "indexes: after-backfill";
        scene.target.execute(
                "CREATE TABLE person (id bigint PRIMARY KEY)",
                "ALTER TABLE customer ADD CONSTRAINT person FOREIGN KEY (id) REFERENCES person");

        assertThat(found(scene.plan()))
                .singleElement()
                .extracting(Finding::message)
                .asString()
                .contains("foreign key person stays, because the role has no REFERENCES privilege");
    }
}
