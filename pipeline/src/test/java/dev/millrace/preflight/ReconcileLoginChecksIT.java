package dev.millrace.preflight;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.preflight.ConnectionChecks.ConnectionNeed;
import dev.millrace.preflight.plan.Finding;
import dev.millrace.preflight.plan.Finding.Status;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/// What `plan` says about the login of comparisons, with real roles. Each remedy is executed and
/// ends its finding.
@Timeout(900)
class ReconcileLoginChecksIT {

    private static final String PASSWORD = "reader-4711";
    private static final String TABLE =
            "public.customer: SELECT id, user_name AS full_name, email FROM %s";

    private final PreflightScene scene = new PreflightScene();
    private final String reader = scene.role + "_reader";
    private String from = "public.users";

    @BeforeEach
    void declareTheLogin() {
        scene.reconcile = ", reconcile: {username: %s, password: %s}".formatted(reader, PASSWORD);
    }

    /// What README lists, for both sides.
    private void grant() {
        scene.source.execute("CREATE ROLE " + reader + " LOGIN PASSWORD '" + PASSWORD + "'");
        scene.source.execute("GRANT SELECT ON users TO " + reader, control());
        scene.target.execute("GRANT SELECT ON customer TO " + reader, control());
    }

    private String control() {
        return "CREATE SCHEMA millrace AUTHORIZATION %1$s; GRANT USAGE ON SCHEMA millrace TO %2$s; ALTER DEFAULT PRIVILEGES FOR ROLE %1$s IN SCHEMA millrace GRANT SELECT ON TABLES TO %2$s"
                .formatted(scene.role, reader);
    }

    private List<Finding> found() {
        return scene.plan(TABLE.formatted(from)).findings().stream()
                .filter(found -> found.check().contains(".reconcile-"))
                .toList();
    }

    private List<Finding> failing() {
        return found().stream().filter(found -> found.status() != Status.OK).toList();
    }

    /// Requires these findings, executes their remedies, and requires that none is left.
    private void assertFixed(Status status, String... checks) {
        List<Finding> failing = failing();
        assertThat(failing).extracting(Finding::check).containsExactly(checks);
        assertThat(failing).extracting(Finding::status).containsOnly(status);
        assertThat(scene.plan(TABLE.formatted(from)).accepted())
                .isEqualTo(status == Status.WARNING);
        execute(failing);
        assertThat(failing()).isEmpty();
        assertThat(scene.plan(TABLE.formatted(from)).accepted()).isTrue();
    }

    private void execute(List<Finding> findings) {
        List<String> executed = new ArrayList<>();
        for (Finding each : findings) {
            // Both databases are on one server, and a role exists once.
            boolean isOfRole = each.remedy().matches("(CREATE|ALTER) ROLE .*");
            if (!isOfRole || !executed.contains(each.remedy())) {
                (each.check().startsWith("target.") ? scene.target : scene.source)
                        .execute(each.remedy().replace("'...'", "'" + PASSWORD + "'"));
            }
            executed.add(each.remedy());
        }
    }

    @Test
    void withoutALoginThereIsNothingToCheck() {
        scene.reconcile = "";

        assertThat(found()).isEmpty();
    }

    @Test
    void theDocumentedPrivilegesAreEnough() {
        grant();

        assertThat(found())
                .extracting(Finding::check)
                .containsExactly(
                        "source.reconcile-login",
                        "source.reconcile-select",
                        "source.reconcile-row-security",
                        "source.reconcile-names",
                        "switchover.reconcile-control",
                        "source.reconcile-writes",
                        "source.reconcile-connections",
                        "target.reconcile-login",
                        "target.reconcile-select",
                        "target.reconcile-row-security",
                        "target.reconcile-names",
                        "target.reconcile-control",
                        "target.reconcile-writes",
                        "target.reconcile-connections");
        assertThat(failing()).isEmpty();
    }

    @Test
    void aRoleIsCreatedAndGivenEverythingByTheRemedies() {
        List<Finding> absent = failing();
        assertThat(absent)
                .extracting(Finding::check)
                .containsExactly("source.reconcile-login", "target.reconcile-login");
        assertThat(absent.getFirst().message()).isEqualTo("is not a role of the server");
        execute(absent);

        List<Finding> lacking = failing();
        assertThat(lacking)
                .extracting(Finding::check)
                .containsExactly(
                        "source.reconcile-select",
                        "switchover.reconcile-control",
                        "target.reconcile-select",
                        "target.reconcile-control");
        execute(lacking);

        assertThat(failing()).isEmpty();
        assertThat(scene.plan(TABLE.formatted(from)).accepted()).isTrue();
    }

    @Test
    void refusesARoleThatMayNotLogInOrConnect() {
        grant();
        scene.source.execute("ALTER ROLE " + reader + " NOLOGIN");
        assertFixed(Status.REFUSED, "source.reconcile-login", "target.reconcile-login");

        scene.source.execute(
                "GRANT CONNECT ON DATABASE "
                        + PreflightScene.name(scene.source)
                        + " TO "
                        + scene.role,
                "REVOKE CONNECT ON DATABASE " + PreflightScene.name(scene.source) + " FROM PUBLIC");
        assertFixed(Status.REFUSED, "source.reconcile-login");

        scene.source.execute("ALTER ROLE " + reader + " PASSWORD 'another'");
        assertThat(failing())
                .hasSize(2)
                .allSatisfy(
                        found -> {
                            assertThat(found.status()).isEqualTo(Status.MISCONFIGURED);
                            assertThat(found.remedy()).contains(".reconcile");
                            assertThat(found.toString()).doesNotContain(PASSWORD);
                        });
    }

    @Test
    void refusesASchemaOrTableThatItMayNotRead() {
        grant();
        scene.source.execute(
                "CREATE SCHEMA app",
                "ALTER TABLE users SET SCHEMA app",
                "GRANT USAGE ON SCHEMA app TO " + scene.role,
                "REVOKE SELECT ON app.users FROM " + reader);
        scene.target.execute("REVOKE SELECT ON customer FROM " + reader);
        from = "app.users";

        assertFixed(
                Status.REFUSED,
                "source.reconcile-select",
                "source.reconcile-select",
                "target.reconcile-select");
    }

    /// The owner of a table sees all of its rows.
    @Test
    void refusesPoliciesThatHideRowsFromItAlone() {
        grant();
        scene.source.execute("ALTER TABLE users ENABLE ROW LEVEL SECURITY");
        scene.target.execute(
                "ALTER TABLE customer ENABLE ROW LEVEL SECURITY",
                "CREATE POLICY own ON customer USING (id < 10)");

        List<Finding> hidden = failing();
        assertThat(hidden)
                .extracting(Finding::check)
                .containsExactly("source.reconcile-row-security", "target.reconcile-row-security");
        assertFixed(
                Status.REFUSED, "source.reconcile-row-security", "target.reconcile-row-security");
    }

    @Test
    void refusesNamesThatMeanAnotherTableToIt() {
        grant();
        from = "users";
        scene.source.execute(
                "CREATE SCHEMA other",
                "CREATE TABLE other.users (LIKE public.users INCLUDING ALL)",
                "GRANT USAGE ON SCHEMA other TO " + reader,
                "GRANT SELECT ON other.users TO " + reader);
        assertThat(failing()).isEmpty();

        scene.source.execute("ALTER ROLE " + reader + " SET search_path = other, public");
        assertThat(failing().getFirst().message()).contains("users names other.users");
        assertFixed(Status.REFUSED, "source.reconcile-names");
    }

    /// PostgreSQL's own functions come first, unless the path names their schema later.
    @Test
    void refusesAPathOnWhichAFunctionHidesOneOfPostgresql() {
        grant();
        scene.source.execute(
                "CREATE SCHEMA other",
                "GRANT USAGE ON SCHEMA other TO " + reader,
                "ALTER ROLE " + reader + " SET search_path = other, pg_catalog, public");
        assertThat(failing().getFirst().message()).contains("pg_catalog");

        assertFixed(Status.REFUSED, "source.reconcile-names");
    }

    @Test
    void refusesAControlSchemaThatItMayNotRead() {
        grant();
        scene.target.execute(
                "CREATE TABLE millrace.schema_version (id int)",
                "CREATE TABLE millrace.stored_offset (id int)",
                "GRANT SELECT ON millrace.schema_version, millrace.stored_offset TO " + scene.role,
                "REVOKE USAGE ON SCHEMA millrace FROM " + reader);
        assertFixed(Status.REFUSED, "target.reconcile-control");

        scene.target.execute(
                "ALTER DEFAULT PRIVILEGES FOR ROLE "
                        + scene.role
                        + " IN SCHEMA millrace REVOKE SELECT ON TABLES FROM "
                        + reader);
        assertFixed(Status.REFUSED, "target.reconcile-control");

        scene.source.execute("REVOKE USAGE ON SCHEMA millrace FROM " + reader);
        assertFixed(Status.WARNING, "switchover.reconcile-control");
    }

    @Test
    void warnsOfEveryWayToWrite() {
        grant();
        scene.source.execute(
                "GRANT INSERT, TRUNCATE ON users TO " + reader,
                "GRANT UPDATE (email) ON users TO " + reader);
        scene.target.execute("GRANT DELETE ON customer TO PUBLIC");
        assertThat(failing().getFirst().message()).contains("INSERT, TRUNCATE, UPDATE");
        assertFixed(Status.WARNING, "source.reconcile-writes", "target.reconcile-writes");

        String group = reader + "_group";
        scene.source.execute(
                "CREATE ROLE " + group,
                "GRANT " + group + " TO " + reader,
                "CREATE ROLE " + group + "2");
        scene.source.execute(
                "GRANT " + group + "2 TO " + group, "GRANT UPDATE ON users TO " + group + "2");
        assertFixed(Status.WARNING, "source.reconcile-writes");

        scene.source.execute("GRANT pg_write_all_data TO " + reader);
        assertThat(failing())
                .extracting(Finding::check)
                .containsExactly("source.reconcile-writes", "target.reconcile-writes");
        scene.source.execute(failing().getFirst().remedy());
        assertThat(failing()).isEmpty();

        scene.source.execute("ALTER ROLE " + reader + " SUPERUSER");
        assertFixed(Status.WARNING, "source.reconcile-writes", "target.reconcile-writes");
    }

    @Test
    void refusesALimitThatIsTooSmallForBothSides() {
        grant();
        scene.source.execute(
                "ALTER ROLE "
                        + reader
                        + " CONNECTION LIMIT "
                        + (2 * ConnectionNeed.COMPARISON_LOGIN - 1));
        assertFixed(Status.REFUSED, "source.reconcile-connections", "target.reconcile-connections");
    }
}
