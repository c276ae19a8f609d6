package dev.millrace.preflight;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.preflight.plan.Finding;
import dev.millrace.preflight.plan.Finding.Status;
import dev.millrace.preflight.plan.Remedy.Place;
import dev.millrace.sandbox.SandboxPostgres;
import dev.millrace.sandbox.SandboxSettings;
import dev.millrace.testing.PostgresServer;
import dev.millrace.testing.TestDatabase;
import dev.millrace.testing.TestFolders;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// What `plan` says early about a later switchover, with real roles. Each remedy is executed and
/// ends its warning.
class SwitchoverReadinessIT {

    @TempDir private Path folder;

    private static List<Finding> warned(PreflightReport report) {
        assertThat(report.accepted()).as(report.findings().toString()).isTrue();
        return report.findings().stream()
                .filter(found -> found.check().startsWith("switchover."))
                .filter(found -> found.status() == Status.WARNING)
                .toList();
    }

    @Test
    void warnsOfMissingPrivilegesUntilTheirRemediesAreExecuted() {
        PreflightScene scene = new PreflightScene();
        assertThat(warned(scene.plan())).isEmpty();
        String app = scene.role + "_app";
        String functions =
                "pg_replication_origin_create, pg_replication_origin_drop,"
                        + " pg_replication_origin_oid, pg_replication_origin_session_setup,"
                        + " pg_replication_origin_session_reset,"
                        + " pg_replication_origin_xact_setup";
        scene.source.execute(
                "CREATE ROLE " + app,
                "CREATE PUBLICATION millrace_"
                        + scene.migration()
                        + " FOR TABLE users WITH (publish_via_partition_root = true)",
                "ALTER TABLE users OWNER TO " + app,
                "GRANT SELECT ON users TO " + scene.role,
                "CREATE TABLE visit (id bigint PRIMARY KEY, user_id bigint REFERENCES users)",
                "REVOKE SET ON PARAMETER session_replication_role FROM " + scene.role,
                "REVOKE pg_read_all_stats FROM " + scene.role,
                "REVOKE CREATE ON DATABASE "
                        + PreflightScene.name(scene.source)
                        + " FROM "
                        + scene.role,
                "REVOKE TEMPORARY ON DATABASE "
                        + PreflightScene.name(scene.source)
                        + " FROM PUBLIC",
                "REVOKE EXECUTE ON FUNCTION " + functions + " FROM " + scene.role);
        scene.target.execute(
                "CREATE SCHEMA millrace AUTHORIZATION " + scene.role,
                "ALTER TABLE customer OWNER TO " + scene.target.username(),
                "ALTER TABLE customer REPLICA IDENTITY NOTHING",
                "GRANT SELECT, INSERT, UPDATE, DELETE ON customer TO " + scene.role,
                "REVOKE CREATE ON DATABASE "
                        + PreflightScene.name(scene.target)
                        + " FROM "
                        + scene.role,
                "REVOKE EXECUTE ON FUNCTION " + functions + " FROM " + scene.role);

        List<Finding> warned = warned(scene.plan());

        assertThat(warned)
                .extracting(Finding::check)
                .containsExactly(
                        "switchover.way-back",
                        "switchover.target-publication",
                        "switchover.origin-functions",
                        "switchover.origin-functions",
                        "switchover.control-schema",
                        "switchover.temporary-tables",
                        "switchover.activity",
                        "switchover.activity",
                        "switchover.source-ownership",
                        "switchover.target-ownership",
                        "switchover.source-triggers",
                        "switchover.target-replica-identity");
        scene.more = "switchover: {fence: external}";
        List<String> withoutTriggers =
                new ArrayList<>(warned.stream().map(Finding::check).toList());
        withoutTriggers.remove("switchover.source-ownership");
        assertThat(warned(scene.plan()))
                .extracting(Finding::check)
                .containsExactlyElementsOf(withoutTriggers);
        scene.more = "";
        for (Finding each : warned) {
            (each.place() == Place.TARGET ? scene.target : scene.source).execute(each.remedy());
        }
        assertThat(warned(scene.plan())).isEmpty();
    }

    @Test
    void theRightsOfAnOwnerNeedAnInheritedMembership() {
        PreflightScene scene = new PreflightScene();
        String app = scene.role + "_app";
        scene.target.execute(
                "CREATE ROLE " + app,
                "DROP TABLE customer",
                "CREATE TABLE customer (id bigint PRIMARY KEY, full_name text, email text)"
                        + " PARTITION BY RANGE (id)",
                "CREATE TABLE later PARTITION OF customer DEFAULT",
                "GRANT SELECT, INSERT, UPDATE, DELETE ON customer TO " + scene.role,
                "ALTER TABLE customer OWNER TO " + app,
                "ALTER TABLE later OWNER TO " + app);
        assertThat(warned(scene.plan()))
                .singleElement()
                .satisfies(
                        found ->
                                assertThat(found.message())
                                        .contains("public.customer, public.later"));

        scene.target.execute("GRANT " + app + " TO " + scene.role + " WITH INHERIT FALSE");
        List<Finding> apart = warned(scene.plan());
        assertThat(apart).hasSize(1);

        scene.target.execute(apart.getFirst().remedy());
        assertThat(warned(scene.plan())).isEmpty();

        scene.target.execute("ALTER TABLE later OWNER TO " + scene.target.username());
        assertThat(warned(scene.plan()))
                .as("a partition has an owner, too")
                .singleElement()
                .satisfies(
                        found ->
                                assertThat(found.remedy())
                                        .isEqualTo(
                                                "ALTER TABLE \"public\".\"later\" OWNER TO \""
                                                        + scene.role
                                                        + "\";"));
    }

    @Test
    void warnsOfATargetServerWithoutDecodingSlotSenderAndOrigins() {
        SandboxSettings settings =
                SandboxSettings.fast(TestFolders.postgresBinaries())
                        .with("wal_level", "replica")
                        .with("max_replication_slots", "0")
                        .with("max_wal_senders", "0")
                        .with("max_active_replication_origins", "4");
        try (SandboxPostgres server = SandboxPostgres.start(folder.resolve("server"), settings)) {
            server.createDatabase("crm", "ENCODING 'UTF8' LOCALE 'C'");
            TestDatabase target =
                    new TestDatabase(server.jdbcUrl("crm"), server.username(), server.password());
            PreflightScene scene =
                    PreflightScene.between(PostgresServer.shared().newDatabase(), target);
            target.execute("ALTER ROLE " + scene.role + " NOREPLICATION");
            target.query("SELECT pg_replication_origin_create('millrace_another_0')");
            target.query(
                    "SELECT pg_replication_origin_create('millrace_" + scene.migration() + "_0')");

            assertThat(warned(scene.plan()))
                    .extracting(found -> found.check() + ": " + found.remedy())
                    .containsExactly(
                            "switchover.target-wal-level: ALTER SYSTEM SET wal_level = 'logical';"
                                    + " -- Then restart the target server.",
                            "switchover.target-replication-role: ALTER ROLE \""
                                    + scene.role
                                    + "\" REPLICATION; -- On a managed service: GRANT \"rds_replication\""
                                    + " TO \""
                                    + scene.role
                                    + "\";",
                            "switchover.target-slots: ALTER SYSTEM SET max_replication_slots = 1;"
                                    + " -- Then restart the target server.",
                            "switchover.target-senders: ALTER SYSTEM SET max_wal_senders = 1; -- Then"
                                    + " restart the target server.",
                            "switchover.origins: ALTER SYSTEM SET max_active_replication_origins ="
                                    + " 5; -- Then restart the target server.");
        }
    }

    @Test
    void doesNotTakeItsFenceForATriggerOfTheApplication() {
        PreflightScene scene = new PreflightScene();
        String trigger =
                "CREATE TRIGGER always BEFORE INSERT ON customer FOR EACH STATEMENT EXECUTE"
                        + " FUNCTION %s.refuse()";
        String function =
                "CREATE FUNCTION %s.refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN"
                        + " NULL; END'";
        scene.target.execute(
                "CREATE SCHEMA millrace AUTHORIZATION " + scene.role,
                function.formatted("millrace"),
                function.formatted("public"),
                trigger.formatted("millrace"),
                "ALTER TABLE customer ENABLE ALWAYS TRIGGER always");
        assertThat(Reported.open(scene.plan())).isEmpty();

        scene.source.execute(
                function.formatted("public"),
                trigger.formatted("public").replace("customer", "users"),
                "ALTER TABLE users ENABLE ALWAYS TRIGGER always");
        assertThat(warned(scene.plan()))
                .extracting(found -> found.check() + " " + found.object())
                .containsExactly("switchover.source-triggers public.users");

        scene.target.execute(
                "DROP TRIGGER always ON customer",
                trigger.formatted("public"),
                "ALTER TABLE customer ENABLE ALWAYS TRIGGER always");
        assertThat(Reported.only(scene.plan()).check()).isEqualTo("target.triggers");
    }
}
