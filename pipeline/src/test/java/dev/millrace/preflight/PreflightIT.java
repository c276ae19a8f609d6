package dev.millrace.preflight;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.change.TableId;
import dev.millrace.preflight.Finding.Status;
import dev.millrace.spec.MigrationSpec;
import dev.millrace.testing.KafkaServer;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.junit.jupiter.api.Test;

class PreflightIT {

    private final PreflightScene scene = new PreflightScene();

    private static List<Finding> open(PreflightReport report) {
        return report.findings().stream().filter(found -> !found.status().passes()).toList();
    }

    private static Finding only(PreflightReport report) {
        assertThat(open(report)).as(report.findings().toString()).hasSize(1);
        assertThat(report.tables()).isEmpty();
        return open(report).getFirst();
    }

    private static Stream<String> checks(PreflightReport report) {
        return open(report).stream().map(Finding::check);
    }

    @Test
    void aRoleWithLeastPrivilegesPassesAndNothingIsCreated() {
        List<?> before = scene.traces();

        PreflightReport report = scene.plan();

        assertThat(open(report)).isEmpty();
        assertThat(report.outcome().passes()).isTrue();
        assertThat(report.tables())
                .singleElement()
                .satisfies(
                        table -> {
                            assertThat(table.mapping().source())
                                    .isEqualTo(new TableId("public", "users"));
                            assertThat(table.fullIdentity()).isFalse();
                        });
        assertThat(scene.traces()).isEqualTo(before);
    }

    @Test
    void everyProblemOfTheFileIsToldWithItsPlace() {
        PreflightReport report =
                scene.plan(
                        """
                        public.customer: SELECT id, user_nme AS full_name FROM public.users
                        public.nowhere: SELECT id FROM public.users
                        public.other: SELECT id FROM public.usres
                        """);

        assertThat(report.outcome()).isEqualTo(Status.MISCONFIGURED);
        assertThat(open(report))
                .anySatisfy(
                        found -> {
                            assertThat(found.object()).isEqualTo("millrace.yaml:6:31");
                            assertThat(found.message()).contains("no column user_nme");
                            assertThat(found.remedy()).contains("user_name");
                        })
                .anySatisfy(
                        found ->
                                assertThat(found.message())
                                        .contains("the target has no table public.nowhere"))
                .anySatisfy(
                        found -> {
                            assertThat(found.message())
                                    .contains("the source has no table public.usres");
                            assertThat(found.remedy()).contains("did you mean public.users?");
                        });
    }

    @Test
    void aTypeThatDoesNotFitAndAKeyThatIsNotSuppliedAreMisconfigured() {
        scene.target.execute("ALTER TABLE customer ALTER email TYPE int USING 1");
        assertThat(only(scene.plan()).message()).contains("email").contains("integer");

        PreflightReport withoutKey =
                scene.plan("public.customer: SELECT user_name AS full_name FROM public.users");

        assertThat(withoutKey.outcome()).isEqualTo(Status.MISCONFIGURED);
        assertThat(open(withoutKey))
                .anySatisfy(found -> assertThat(found.message()).contains("does not supply id"));
    }

    @Test
    void aKeyWhoseEqualValuesHaveSeveralTextsIsRefusedBeforeAnythingIsMade() {
        scene.source.execute("ALTER TABLE users ALTER id TYPE numeric");
        scene.target.execute("ALTER TABLE customer ALTER id TYPE numeric");
        List<?> before = scene.traces();

        Finding found = only(scene.plan());

        assertThat(found.message()).contains("key column id of public.users is numeric");
        assertThat(found.remedy()).contains("numeric(p,s)", "REPLICA IDENTITY USING INDEX");
        assertThat(scene.traces()).isEqualTo(before);
    }

    @Test
    void anEnumIsAKey() {
        for (var database : List.of(scene.source, scene.target)) {
            database.execute("CREATE TYPE mood AS ENUM ('good', 'bad')");
        }
        scene.source.execute("ALTER TABLE users ALTER id TYPE mood USING 'good'");
        scene.target.execute("ALTER TABLE customer ALTER id TYPE mood USING 'good'");

        assertThat(open(scene.plan())).isEmpty();
    }

    @Test
    void columnsThatDifferByCaseOnlyAreRefusedByName() {
        scene.source.execute("ALTER TABLE users ADD \"Email\" text");

        Finding found = only(scene.plan());

        assertThat(found.check()).isEqualTo("source.column-names");
        assertThat(found.object()).isEqualTo("public.users");
        assertThat(found.message()).contains("email and Email");
        assertThat(found.remedy()).contains("RENAME COLUMN \"Email\"");
    }

    @Test
    void aTableWithoutAKeyIsRefusedBeforeItBreaksTheApplication() {
        scene.source.execute("ALTER TABLE users DROP CONSTRAINT users_pkey");

        Finding found = only(scene.plan());

        assertThat(found.status()).isEqualTo(Status.REFUSED);
        assertThat(found.check()).isEqualTo("source.replica-identity");
        assertThat(found.object()).isEqualTo("public.users");
        assertThat(found.remedy()).contains("ALTER TABLE \"public\".\"users\" ADD PRIMARY KEY");
    }

    @Test
    void aPartitionWithAnotherIdentityThanItsRootIsNamed() {
        scene.source.execute(
                "CREATE TABLE part (id bigint PRIMARY KEY, user_name text NOT NULL, email text) PARTITION BY RANGE (id)",
                "CREATE TABLE part_low PARTITION OF part FOR VALUES FROM (0) TO (10)",
                "ALTER TABLE part OWNER TO " + scene.role,
                "ALTER TABLE part_low OWNER TO " + scene.role);
        String spec = "public.customer: SELECT id, user_name AS full_name FROM public.%s";
        assertThat(open(scene.plan(spec.formatted("part")))).isEmpty();
        assertThat(only(scene.plan(spec.formatted("part_low"))).remedy())
                .isEqualTo("name public.part instead");

        scene.source.execute("ALTER TABLE part_low REPLICA IDENTITY NOTHING");

        assertThat(only(scene.plan(spec.formatted("part"))).object()).isEqualTo("public.part_low");
    }

    @Test
    void aTableWithHeirsIsRefusedOnEitherSide() {
        scene.source.execute("CREATE TABLE vips (since int) INHERITS (users)");
        scene.target.execute("CREATE TABLE vips (since int) INHERITS (customer)");

        assertThat(open(scene.plan()))
                .allSatisfy(found -> assertThat(found.status()).isEqualTo(Status.REFUSED))
                .allSatisfy(found -> assertThat(found.message()).contains("[vips] inherit from it"))
                .allSatisfy(found -> assertThat(found.remedy()).contains("NO INHERIT"))
                .extracting(Finding::check)
                .containsExactlyInAnyOrder("source.heirs", "target.heirs");
    }

    @Test
    void privilegesThatAreMissingAreNamedWithTheirGrants() {
        scene.source.execute(
                "ALTER TABLE users OWNER TO postgres",
                "ALTER ROLE " + scene.role + " NOREPLICATION");
        scene.target.execute(
                "ALTER TABLE customer OWNER TO postgres",
                "GRANT SELECT ON customer TO " + scene.role,
                "REVOKE CREATE ON DATABASE "
                        + PreflightScene.name(scene.target)
                        + " FROM "
                        + scene.role);

        PreflightReport report = scene.plan();

        assertThat(report.outcome()).isEqualTo(Status.REFUSED);
        assertThat(checks(report))
                .containsExactlyInAnyOrder(
                        "source.replication-role",
                        "source.select-privilege",
                        "source.publication",
                        "target.write-privilege",
                        "target.control-schema");
        assertThat(open(report).stream().map(Finding::remedy))
                .contains(
                        "GRANT SELECT ON \"public\".\"users\" TO \"" + scene.role + "\";",
                        "GRANT INSERT, UPDATE, DELETE ON \"public\".\"customer\" TO \""
                                + scene.role
                                + "\";");
    }

    @Test
    void aPublicationMadeByTheOwnerServesInsteadOfOwnership() {
        scene.source.execute(
                "ALTER TABLE users OWNER TO postgres",
                "GRANT SELECT ON users TO " + scene.role,
                "CREATE PUBLICATION millrace_"
                        + scene.migration()
                        + " FOR TABLE users WITH (publish_via_partition_root = true)");
        assertThat(open(scene.plan())).isEmpty();

        scene.source.execute(
                "CREATE TABLE more (id int PRIMARY KEY)",
                "ALTER PUBLICATION millrace_" + scene.migration() + " ADD TABLE more");

        assertThat(only(scene.plan()).check()).isEqualTo("source.publication");
    }

    @Test
    void whereTriggersAndForeignKeysCantBeStilledTheyAreNamed() {
        scene.target.execute(
                "CREATE TABLE mail (id int PRIMARY KEY, customer bigint REFERENCES customer)");
        assertThat(open(scene.plan())).isEmpty();

        scene.source.execute("REVOKE SET ON PARAMETER session_replication_role FROM " + scene.role);

        Finding found = only(scene.plan());
        assertThat(found.check()).isEqualTo("target.triggers");
        assertThat(found.object()).isEqualTo("public.customer");
        assertThat(found.message()).contains("foreign key from mail");
    }

    @Test
    void constraintsThatAreCheckedLateAreRefusedByName() {
        scene.target.execute(
                "ALTER TABLE customer DROP CONSTRAINT customer_pkey",
                "ALTER TABLE customer ADD CONSTRAINT late_key PRIMARY KEY (id) DEFERRABLE",
                "ALTER TABLE customer ADD CONSTRAINT late_mail UNIQUE (email) DEFERRABLE INITIALLY DEFERRED",
                "ALTER TABLE customer ADD CONSTRAINT prompt UNIQUE (full_name)");

        PreflightReport report = scene.plan();

        assertThat(checks(report)).containsExactly("target.deferrable", "target.deferrable");
        assertThat(open(report).stream().map(Finding::message).toList().toString())
                .contains("constraint late_key is deferrable", "constraint late_mail is deferrable")
                .doesNotContain("prompt");
        assertThat(report.accepted()).isFalse();
    }

    @Test
    void aConstraintOfAPartitionThatIsCheckedLateIsRefusedByName() {
        scene.target.execute(
                "DROP TABLE customer",
                "CREATE TABLE customer (id bigint PRIMARY KEY, full_name text NOT NULL, email text) PARTITION BY RANGE (id)",
                "CREATE TABLE customer_low PARTITION OF customer FOR VALUES FROM (0) TO (10)",
                "ALTER TABLE customer OWNER TO " + scene.role,
                "ALTER TABLE customer_low OWNER TO " + scene.role);
        assertThat(open(scene.plan())).isEmpty();
        scene.target.execute(
                "ALTER TABLE customer_low ADD CONSTRAINT late_mail UNIQUE (email) DEFERRABLE");

        assertThat(only(scene.plan()).message()).contains("constraint late_mail");
    }

    @Test
    void aTargetTableThatHoldsRowsIsRefusedUnlessTheMigrationKnowsIt() {
        scene.target.execute("INSERT INTO customer VALUES (1, 'a', 'b')");
        assertThat(only(scene.plan()).check()).isEqualTo("target.empty");

        scene.target.execute(
                "CREATE SCHEMA millrace AUTHORIZATION " + scene.role,
                "CREATE TABLE millrace.target_table (migration text, target text, empty_at_start boolean)",
                "ALTER TABLE millrace.target_table OWNER TO " + scene.role,
                "INSERT INTO millrace.target_table VALUES ('"
                        + scene.migration()
                        + "', '\"public\".\"customer\"', true)");

        assertThat(open(scene.plan())).isEmpty();
    }

    @Test
    void aSlotIsTakenForOursOnlyWhereThisMigrationHasBegun() {
        String slot = "millrace_" + scene.migration();
        scene.source.query("SELECT pg_create_logical_replication_slot('" + slot + "', 'pgoutput')");
        try {
            assertThat(only(scene.plan()).message()).contains("has begun on this target");

            scene.target.execute(
                    "CREATE SCHEMA millrace AUTHORIZATION " + scene.role,
                    "CREATE TABLE millrace.target_table (migration text, target text, empty_at_start boolean)",
                    "CREATE TABLE millrace.generation (migration text)",
                    "ALTER TABLE millrace.target_table OWNER TO " + scene.role,
                    "ALTER TABLE millrace.generation OWNER TO " + scene.role,
                    "INSERT INTO millrace.generation VALUES ('another')");
            assertThat(only(scene.plan()).message()).contains("has begun on this target");

            scene.target.execute(
                    "INSERT INTO millrace.generation VALUES ('" + scene.migration() + "')");
            assertThat(open(scene.plan())).isEmpty();
        } finally {
            scene.source.query("SELECT pg_drop_replication_slot('" + slot + "')");
        }
    }

    @Test
    void aForeignSchemaOfOurNameIsRefused() {
        scene.target.execute("CREATE SCHEMA millrace", "CREATE TABLE millrace.flour (id int)");

        assertThat(only(scene.plan()).message()).contains("not Millrace's");
    }

    @Test
    void anExpressionOverAValueThatMayBeMissingIsWarnedOf() {
        String spec =
                "public.customer: SELECT id, user_name AS full_name, lower(email) AS email FROM public.users";
        PreflightReport report = scene.plan(spec);
        assertThat(report.accepted()).as(report.findings().toString()).isTrue();
        assertThat(warnings(report)).containsExactly("source.unchanged-values");

        scene.source.execute("ALTER TABLE users REPLICA IDENTITY FULL");

        PreflightReport full = scene.plan(spec);
        assertThat(warnings(full)).isEmpty();
        assertThat(full.tables().getFirst().fullIdentity()).isTrue();
    }

    @Test
    void oneSourceTableIsWarnedOfOnceHoweverManyTargetsItFills() {
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

    @Test
    void aPartitionedSourceIsWarnedOfBecauseNotAllOfItIsReplicated() {
        scene.source.execute(
                "CREATE TABLE part (id bigint PRIMARY KEY, user_name text NOT NULL, email text) PARTITION BY RANGE (id)",
                "CREATE TABLE part_low PARTITION OF part FOR VALUES FROM (0) TO (10)",
                "ALTER TABLE part OWNER TO " + scene.role,
                "ALTER TABLE part_low OWNER TO " + scene.role);

        PreflightReport report =
                scene.plan("public.customer: SELECT id, user_name AS full_name, email FROM part");

        assertThat(report.accepted()).as(report.findings().toString()).isTrue();
        assertThat(warnings(report)).containsExactly("source.partitions");
    }

    @Test
    void aSchemaThatIsNotThereIsToldWithTheOnesThatAre() {
        Finding wildcard = only(scene.plan("public.*: SELECT * FROM pubic.*"));
        Finding table = only(scene.plan("public.customer: SELECT id FROM warehouse.users"));

        assertThat(wildcard.remedy()).isEqualTo("did you mean public?");
        assertThat(table.remedy()).startsWith("there is no schema warehouse: the source has ");
    }

    private static List<String> warnings(PreflightReport report) {
        return report.findings().stream()
                .filter(found -> found.status() == Status.WARNING)
                .map(Finding::check)
                .toList();
    }

    @Test
    void rowSecurityThatWouldHideRowsIsRefused() {
        scene.source.execute(
                "ALTER TABLE users ENABLE ROW LEVEL SECURITY",
                "ALTER TABLE users FORCE ROW LEVEL SECURITY");

        assertThat(checks(scene.plan())).contains("source.row-security");
    }

    @Test
    void aWildcardMovesWhatIsThereAndTellsWhatItLeavesOut() {
        scene.source.execute(
                "CREATE TABLE \"Odd.Name\" (id int PRIMARY KEY, twice int GENERATED ALWAYS AS (id * 2) STORED)",
                "ALTER TABLE \"Odd.Name\" OWNER TO " + scene.role,
                "CREATE UNLOGGED TABLE fleeting (id int PRIMARY KEY)");
        scene.target.execute(
                "CREATE TABLE \"Odd.Name\" (id int PRIMARY KEY, twice int GENERATED ALWAYS AS (id * 2) STORED)",
                "ALTER TABLE \"Odd.Name\" OWNER TO " + scene.role);

        PreflightReport report =
                scene.plan(
                        """
                        public.customer: SELECT id, user_name AS full_name FROM public.users
                        public.*: SELECT * FROM public.*
                        """);

        assertThat(open(report)).isEmpty();
        assertThat(report.tables().stream().map(table -> table.mapping().target().table()))
                .containsExactly(
                        new TableId("public", "customer"), new TableId("public", "Odd.Name"));
        assertThat(report.tables().getLast().mapping().target().columns()).containsExactly("id");
        assertThat(warnings(report)).containsExactly("wildcard");
    }

    @Test
    void twoWildcardsThatFillOneTableAreRefused() {
        scene.source.execute(
                "CREATE SCHEMA other AUTHORIZATION " + scene.role,
                "CREATE TABLE other.customer (id bigint PRIMARY KEY, full_name text NOT NULL)",
                "ALTER TABLE other.customer OWNER TO " + scene.role,
                "ALTER TABLE users RENAME TO customer",
                "ALTER TABLE customer RENAME user_name TO full_name",
                "ALTER TABLE customer DROP age");

        MigrationSpec one = scene.spec("public.*: SELECT * FROM public.*");
        assertThat(open(scene.plan(one))).isEmpty();
        MigrationSpec two =
                new MigrationSpec(
                        one.migration(),
                        one.source(),
                        one.target(),
                        one.kafka(),
                        one.dataDir(),
                        List.of(
                                one.tables().getFirst(),
                                new MigrationSpec.TableEntry.Wildcard(
                                        "public", "other", one.tables().getFirst().at())),
                        one.debezium());

        assertThat(only(scene.plan(two)).message()).contains("filled by another wildcard too");
    }

    @Test
    void aTargetOutOfReachIsToldAndTheFileIsReadNevertheless() {
        scene.targetUrl = "jdbc:postgresql://127.0.0.1:1/gone";

        PreflightReport report = scene.plan("public.customer: SELECT count(*) FROM public.users");

        assertThat(report.outcome()).isEqualTo(Status.UNREACHABLE);
        assertThat(checks(report)).contains("target.reachable", "mapping");
    }

    @Test
    void aWrongPasswordIsToldWithoutThePassword() {
        scene.sourcePassword = "canary-8839";

        PreflightReport report = scene.plan();

        Finding found = only(report);
        assertThat(found.check()).isEqualTo("source.reachable");
        assertThat(found.status()).isEqualTo(Status.MISCONFIGURED);
        assertThat(report.toString()).doesNotContain("canary-8839");
    }

    @Test
    void topicsWithAnotherPartitionCountAreRefused() throws Exception {
        String servers = KafkaServer.shared().bootstrapServers();
        try (Admin admin = Admin.create(Map.<String, Object>of("bootstrap.servers", servers))) {
            admin.createTopics(
                            List.of(
                                    new NewTopic(
                                            "millrace." + scene.migration() + ".changes",
                                            3,
                                            (short) 1)))
                    .all()
                    .get();
        }
        scene.kafka = "kafka: {bootstrap-servers: '" + servers + "', partitions: 6}";

        Finding found = only(scene.plan());

        assertThat(found.check()).isEqualTo("kafka.reachable");
        assertThat(found.message()).contains("has 3 partitions, the file says 6");
    }
}
