package dev.millrace.preflight;

import static dev.millrace.preflight.Reported.only;
import static dev.millrace.preflight.Reported.open;
import static dev.millrace.preflight.Reported.warnings;
import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.preflight.plan.Finding;
import dev.millrace.preflight.plan.Finding.Status;
import java.util.List;
import org.junit.jupiter.api.Test;

/// Checks of source tables: keys, columns, partitions and inheritance.
class SourceTablesIT {

    private final PreflightScene scene = new PreflightScene();

    @Test
    void refusesTableWithoutKeyBecausePublishingBreaksTheApplication() {
        scene.source.execute("ALTER TABLE users DROP CONSTRAINT users_pkey");

        Finding found = only(scene.plan());

        assertThat(found.status()).isEqualTo(Status.REFUSED);
        assertThat(found.check()).isEqualTo("source.replica-identity");
        assertThat(found.object()).isEqualTo("public.users");
        assertThat(found.remedy()).contains("ALTER TABLE \"public\".\"users\" ADD PRIMARY KEY");
    }

    @Test
    void refusesKeyWithSeveralTextsPerValueAndCreatesNothing() {
        scene.source.execute("ALTER TABLE users ALTER id TYPE numeric");
        scene.target.execute("ALTER TABLE customer ALTER id TYPE numeric");
        List<?> before = scene.traces();

        Finding found = only(scene.plan());

        assertThat(found.message()).contains("key column id of public.users is numeric");
        assertThat(found.remedy()).contains("numeric(p,s)", "REPLICA IDENTITY USING INDEX");
        assertThat(scene.traces()).isEqualTo(before);
    }

    @Test
    void acceptsEnumKey() {
        for (var database : List.of(scene.source, scene.target)) {
            database.execute("CREATE TYPE mood AS ENUM ('good', 'bad')");
        }
        scene.source.execute("ALTER TABLE users ALTER id TYPE mood USING 'good'");
        scene.target.execute("ALTER TABLE customer ALTER id TYPE mood USING 'good'");

        assertThat(open(scene.plan())).isEmpty();
    }

    @Test
    void refusesTablesWithOneNameForTheEngine() {
        scene.source.execute(
                "CREATE SCHEMA a AUTHORIZATION " + scene.role,
                "CREATE SCHEMA \"a.b\" AUTHORIZATION " + scene.role,
                "CREATE TABLE a.\"b.c\" (id bigint PRIMARY KEY)",
                "CREATE TABLE \"a.b\".c (id bigint PRIMARY KEY)",
                "ALTER TABLE a.\"b.c\" OWNER TO " + scene.role,
                "ALTER TABLE \"a.b\".c OWNER TO " + scene.role);
        for (String table : List.of("one", "two")) {
            scene.target.execute(
                    "CREATE TABLE " + table + " (id bigint PRIMARY KEY)",
                    "ALTER TABLE " + table + " OWNER TO " + scene.role);
        }

        Finding found =
                only(
                        scene.plan(
                                """
                                public.one: SELECT id FROM a."b.c"
                                public.two: SELECT id FROM "a.b".c
                                """));

        assertThat(found.check()).isEqualTo("source.table-kind");
        assertThat(found.message()).contains("have the same name for the engine");
        assertThat(found.remedy()).contains("Rename");
    }

    @Test
    void refusesColumnsThatDifferByCaseOnly() {
        scene.source.execute("ALTER TABLE users ADD \"Email\" text");

        Finding found = only(scene.plan());

        assertThat(found.check()).isEqualTo("source.column-names");
        assertThat(found.object()).isEqualTo("public.users");
        assertThat(found.message()).contains("email and Email");
        assertThat(found.remedy()).contains("RENAME COLUMN \"Email\"");
    }

    @Test
    void refusesPartitionWithAnotherReplicaIdentityThanItsRoot() {
        scene.source.execute(
                "CREATE TABLE part (id bigint PRIMARY KEY, user_name text NOT NULL, email text)"
                        + " PARTITION BY RANGE (id)",
                "CREATE TABLE part_low PARTITION OF part FOR VALUES FROM (0) TO (10)",
                "ALTER TABLE part OWNER TO " + scene.role,
                "ALTER TABLE part_low OWNER TO " + scene.role);
        String spec = "public.customer: SELECT id, user_name AS full_name FROM public.%s";
        assertThat(open(scene.plan(spec.formatted("part")))).isEmpty();
        assertThat(only(scene.plan(spec.formatted("part_low"))).remedy())
                .isEqualTo("Select from public.part instead.");

        scene.source.execute("ALTER TABLE part_low REPLICA IDENTITY NOTHING");

        assertThat(only(scene.plan(spec.formatted("part"))).object()).isEqualTo("public.part_low");
    }

    @Test
    void warnsOfPartitionedSourceBecausePartitionTruncateIsNotReplicated() {
        scene.source.execute(
                "CREATE TABLE part (id bigint PRIMARY KEY, user_name text NOT NULL, email text)"
                        + " PARTITION BY RANGE (id)",
                "CREATE TABLE part_low PARTITION OF part FOR VALUES FROM (0) TO (10)",
                "ALTER TABLE part OWNER TO " + scene.role,
                "ALTER TABLE part_low OWNER TO " + scene.role);

        PreflightReport report =
                scene.plan("public.customer: SELECT id, user_name AS full_name, email FROM part");

        assertThat(report.accepted()).as(report.findings().toString()).isTrue();
        assertThat(warnings(report)).containsExactly("source.unchanged-values");
    }

    /// The backfill reads each leaf under its own name; the engine's snapshot reads the root.
    @Test
    void refusesPartitionsThatTheRoleCannotRead() {
        scene.source.execute(
                "CREATE TABLE part (id bigint PRIMARY KEY, user_name text NOT NULL, email text)"
                        + " PARTITION BY RANGE (id)",
                "ALTER TABLE part OWNER TO " + scene.role,
                "CREATE SCHEMA cold",
                "CREATE TABLE part_low PARTITION OF part FOR VALUES FROM (0) TO (10)",
                "CREATE TABLE cold.part_mid PARTITION OF part FOR VALUES FROM (10) TO (20)",
                "CREATE TABLE part_high PARTITION OF part FOR VALUES FROM (20) TO (30)",
                "GRANT SELECT ON cold.part_mid, part_high TO " + scene.role,
                "ALTER TABLE part_high ENABLE ROW LEVEL SECURITY");
        String tables = "public.customer: SELECT id, user_name AS full_name FROM part";

        assertThat(open(scene.plan(tables)))
                .extracting(found -> found.check() + " " + found.object() + " " + found.remedy())
                .containsExactlyInAnyOrder(
                        "source.partition-privileges public.part_low GRANT SELECT ON"
                                + " \"public\".\"part_low\" TO \""
                                + scene.role
                                + "\";",
                        "source.partition-privileges cold.part_mid GRANT USAGE ON SCHEMA"
                                + " \"cold\" TO \""
                                + scene.role
                                + "\";",
                        "source.partition-privileges public.part_high ALTER ROLE \""
                                + scene.role
                                + "\" BYPASSRLS;");

        scene.more = "backfill: engine";
        assertThat(open(scene.plan(tables))).isEmpty();
    }

    @Test
    void refusesTablesWithoutAScanOfARangeOfPages() {
        scene.source.execute(
                "CREATE ACCESS METHOD other TYPE TABLE HANDLER heap_tableam_handler",
                "CREATE TABLE stored (id bigint PRIMARY KEY, user_name text NOT NULL) USING other",
                "ALTER TABLE stored OWNER TO " + scene.role);
        String tables = "public.customer: SELECT id, user_name AS full_name FROM stored";

        Finding found = only(scene.plan(tables));

        assertThat(found.check()).isEqualTo("source.access-method");
        assertThat(found.object()).isEqualTo("public.stored");
        assertThat(found.message()).contains("access method other");
        scene.more = found.remedy();
        assertThat(open(scene.plan(tables))).isEmpty();
    }

    @Test
    void refusesInheritanceOnEitherSide() {
        scene.source.execute("CREATE TABLE vips (since int) INHERITS (users)");
        scene.target.execute("CREATE TABLE vips (since int) INHERITS (customer)");

        assertThat(open(scene.plan()))
                .allSatisfy(found -> assertThat(found.status()).isEqualTo(Status.REFUSED))
                .allSatisfy(
                        found ->
                                assertThat(found.message())
                                        .contains("[public.vips] inherit from it"))
                .allSatisfy(found -> assertThat(found.remedy()).contains("NO INHERIT"))
                .extracting(Finding::check)
                .containsExactlyInAnyOrder("source.inheritance", "target.inheritance");
    }

    @Test
    void acceptsPublicationCreatedByTheOwner() {
        scene.source.execute(
                "ALTER TABLE users OWNER TO postgres",
                "GRANT SELECT ON users TO " + scene.role,
                "REVOKE CREATE ON DATABASE "
                        + PreflightScene.name(scene.source)
                        + " FROM "
                        + scene.role);
        Finding refused = only(scene.plan());
        assertThat(refused.object()).isEqualTo("public.users");
        assertThat(refused.message())
                .contains("is owned by postgres, and only its owner may publish the table");
        assertThat(refused.remedy()).doesNotContain("GRANT").startsWith("CREATE PUBLICATION");

        scene.source.execute(refused.remedy());

        assertThat(open(scene.plan())).isEmpty();

        scene.source.execute(
                "CREATE TABLE more (id int PRIMARY KEY)",
                "ALTER PUBLICATION millrace_" + scene.migration() + " ADD TABLE more");

        assertThat(only(scene.plan()).check()).isEqualTo("source.publication");

        scene.source.execute(
                "ALTER PUBLICATION millrace_" + scene.migration() + " OWNER TO " + scene.role);

        assertThat(only(scene.plan()).remedy())
                .as("the role may drop it, and may not create it again")
                .startsWith("DROP PUBLICATION")
                .contains("CREATE PUBLICATION");
    }

    /// Since version 18, the source refuses UPDATE and DELETE if the replica identity contains
    /// generated columns that are not published.
    @Test
    void refusesPublicationThatBreaksUpdatesOfTheApplication() {
        scene.source.execute(
                "ALTER TABLE users REPLICA IDENTITY FULL",
                "ALTER TABLE users ADD doubled bigint GENERATED ALWAYS AS (id * 2) STORED");
        assertThat(open(scene.plan())).isEmpty();
        String publication = "PUBLICATION millrace_" + scene.migration();
        scene.source.execute(
                "CREATE "
                        + publication
                        + " FOR TABLE users WITH (publish_via_partition_root = true)",
                "ALTER " + publication + " OWNER TO " + scene.role);
        assertThat(only(scene.plan()).remedy()).contains("publish_generated_columns = stored");
        scene.source.execute(
                "DROP " + publication,
                "ALTER TABLE users ADD tripled bigint GENERATED ALWAYS AS (id * 3) VIRTUAL");

        Finding found = only(scene.plan());

        assertThat(found.check()).isEqualTo("source.replica-identity");
        assertThat(found.message()).contains("virtual generated columns tripled");
    }

    @Test
    void refusesRowSecurityThatHidesRows() {
        scene.source.execute(
                "ALTER TABLE users ENABLE ROW LEVEL SECURITY",
                "ALTER TABLE users FORCE ROW LEVEL SECURITY");

        assertThat(open(scene.plan()))
                .filteredOn(found -> found.check().equals("source.row-security"))
                .singleElement()
                .satisfies(
                        found -> {
                            assertThat(found.message())
                                    .startsWith("row-level security hides rows from role ");
                            assertThat(found.remedy()).endsWith(" BYPASSRLS;");
                        });
    }

    @Test
    void refusesAPartitionAsSource() {
        scene.source.execute(
                "DROP TABLE users",
                "CREATE TABLE all_users (id bigint PRIMARY KEY, user_name text NOT NULL, email"
                        + " text) PARTITION BY RANGE (id)",
                "CREATE TABLE users PARTITION OF all_users FOR VALUES FROM (0) TO (10)",
                "ALTER TABLE all_users OWNER TO " + scene.role,
                "ALTER TABLE users OWNER TO " + scene.role);

        assertThat(open(scene.plan()))
                .anySatisfy(
                        found -> {
                            assertThat(found.message())
                                    .isEqualTo(
                                            "is a partition, and its changes are published under"
                                                    + " its root");
                            assertThat(found.remedy())
                                    .isEqualTo("Select from public.all_users instead.");
                        });
    }

    @Test
    void warnsOfExpressionOverValueThatMayNotBeSent() {
        String spec =
                "public.customer: SELECT id, user_name AS full_name, lower(email) AS email FROM"
                        + " public.users";
        PreflightReport report = scene.plan(spec);
        assertThat(report.accepted()).as(report.findings().toString()).isTrue();
        assertThat(warnings(report)).containsExactly("source.unchanged-values");

        scene.source.execute("ALTER TABLE users REPLICA IDENTITY FULL");

        PreflightReport full = scene.plan(spec);
        assertThat(warnings(full)).isEmpty();
        assertThat(full.tables().getFirst().fullIdentity()).isTrue();
    }

    @Test
    void warnsOfCopiedValueThatMayNotBeSent() {
        PreflightReport copied = scene.plan();
        assertThat(warnings(copied)).containsExactly("source.unchanged-values");
        assertThat(copied.findings())
                .anySatisfy(
                        found ->
                                assertThat(found.message())
                                        .contains(
                                                "changes the key",
                                                "public.users (user_name, email)"));

        String filtered =
                "public.customer: SELECT id, user_name AS full_name FROM public.users WHERE age"
                        + " > 17";
        PreflightReport entering = scene.plan(filtered);
        assertThat(warnings(entering))
                .containsExactly("switchover.way-back", "source.unchanged-values");
        assertThat(entering.findings())
                .anySatisfy(
                        found -> {
                            assertThat(found.object()).isEqualTo("public.users");
                            assertThat(found.message())
                                    .contains("copies user_name,", "makes a row match the WHERE");
                            assertThat(found.remedy()).contains("REPLICA IDENTITY FULL");
                        });

        scene.source.execute("ALTER TABLE users REPLICA IDENTITY FULL");
        assertThat(warnings(scene.plan(filtered))).containsExactly("switchover.way-back");
    }

    /// Publishing such a table would make the application's UPDATE and DELETE fail.
    @Test
    void refusesATableWhoseChangesHaveNoKey() {
        scene.source.execute("ALTER TABLE users REPLICA IDENTITY NOTHING");

        Finding found = only(scene.plan());

        assertThat(found.object()).isEqualTo("public.users");
        assertThat(found.message()).contains("REPLICA IDENTITY NOTHING");
        scene.source.execute(found.remedy());
        assertThat(open(scene.plan())).isEmpty();
    }

    @Test
    void remedyForDeferrableKeyIsAnIndex() {
        scene.source.execute(
                "ALTER TABLE users DROP CONSTRAINT users_pkey",
                "ALTER TABLE users ADD PRIMARY KEY (id) DEFERRABLE");

        Finding found = only(scene.plan());

        assertThat(found.message()).contains("deferrable primary key");
        scene.source.execute(found.remedy().split("(?<=;) "));
        assertThat(open(scene.plan())).isEmpty();
    }

    @Test
    void warnsOncePerSourceTable() {
        scene.target.execute(
                "CREATE TABLE mail (id bigint PRIMARY KEY, email text)",
                "ALTER TABLE mail OWNER TO " + scene.role);

        PreflightReport report =
                scene.plan(
                        """
                        public.customer: SELECT id, lower(user_name) AS full_name FROM public.users
                        public.mail: SELECT id, lower(email) AS email FROM public.users
                        """);

        assertThat(warnings(report)).containsExactly("source.unchanged-values");
        assertThat(report.findings())
                .anySatisfy(
                        found ->
                                assertThat(found.message())
                                        .contains("computes with user_name, email"));
    }
}
