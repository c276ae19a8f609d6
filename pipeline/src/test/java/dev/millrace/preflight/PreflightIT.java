package dev.millrace.preflight;

import static dev.millrace.preflight.Reported.checks;
import static dev.millrace.preflight.Reported.only;
import static dev.millrace.preflight.Reported.open;
import static dev.millrace.preflight.Reported.warnings;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.millrace.change.TableId;
import dev.millrace.control.ControlSchema;
import dev.millrace.preflight.ConnectionChecks.ConnectionNeed;
import dev.millrace.preflight.plan.Finding;
import dev.millrace.preflight.plan.Finding.Status;
import dev.millrace.spec.MigrationSpec;
import dev.millrace.testing.KafkaServer;
import dev.millrace.testing.OddNames;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.junit.jupiter.api.Test;

/// Preflight over two databases: privileges, the file's mappings, reachability.
class PreflightIT {

    private final PreflightScene scene = new PreflightScene();

    @Test
    void acceptsLeastPrivilegesAndCreatesNothing() {
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
    void refusesRoleWithTooFewConnectionsWithRequiredNumber() {
        scene.source.execute("ALTER ROLE " + scene.role + " CONNECTION LIMIT 3");

        PreflightReport report = scene.plan();

        // Both databases are on one server here, with one role.
        int needed = ConnectionNeed.SOURCE + ConnectionNeed.TARGET;
        assertThat(report.outcome()).isEqualTo(Status.REFUSED);
        assertThat(checks(report)).containsExactly("source.connections", "target.connections");
        assertThat(open(report).toString())
                .contains("allows 3 connections", "the migration needs " + needed);

        scene.source.execute("ALTER ROLE " + scene.role + " CONNECTION LIMIT " + needed);

        assertThat(open(scene.plan())).isEmpty();
    }

    @Test
    void reportsMissingPrivilegesWithTheirGrants() {
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
        assertThat(open(report).stream().map(Finding::message))
                .contains("the role has no INSERT, UPDATE, DELETE privilege");
        assertThat(open(report).stream().map(Finding::remedy))
                .contains(
                        "GRANT SELECT ON \"public\".\"users\" TO \"" + scene.role + "\";",
                        "GRANT INSERT, UPDATE, DELETE ON \"public\".\"customer\" TO \""
                                + scene.role
                                + "\";")
                .noneMatch(remedy -> remedy.contains("GRANT \"postgres\""));
    }

    @Test
    void reportsEveryProblemOfTheFileWithItsPosition() {
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
    void saysWhichColumnsCanBeComputedFromTheTarget() {
        assertThat(
                        inverse(
                                "public.customer: SELECT id, user_name AS full_name, lower(email)"
                                        + " AS email FROM public.users"))
                .isEqualTo(
                        "public.users: columns that come back from the target: exactly: id,"
                                + " user_name; with losses: email (lower() loses the case of the"
                                + " letters); not at all: age (no target column is computed from it)");

        scene.source.execute("ALTER TABLE users DROP COLUMN age");
        assertThat(
                        inverse(
                                "public.customer: SELECT id, user_name AS full_name, email FROM"
                                        + " public.users"))
                .isEqualTo("source tables: every column can be computed from the target exactly");
    }

    @Test
    void onlySelectsWithAllRowsSupplyTheColumnsOfATableTogether() {
        scene.target.execute(
                "CREATE TABLE other (id bigint PRIMARY KEY, email text, age int)",
                "GRANT SELECT, INSERT, UPDATE, DELETE ON other TO " + scene.role);
        String customer = "public.customer: SELECT id, user_name AS full_name, email FROM users";
        String other = "\npublic.other: SELECT id, email, age FROM users";

        assertThat(inverse(customer + other))
                .isEqualTo("source tables: every column can be computed from the target exactly");
        String notAge = "not at all: age (no target column is computed from it)";
        assertThat(inverse(customer + other + " WHERE age > 17"))
                .startsWith("public.users: ")
                .endsWith(notAge);
        assertThat(inverse(customer + " WHERE age < 18" + other + " WHERE age > 17"))
                .contains("public.users, rows in public.customer: ", notAge)
                .contains("public.users, rows in public.other: ", "not at all: user_name");
    }

    private String inverse(String tables) {
        PreflightReport report = scene.plan(tables);
        assertThat(report.accepted()).isTrue();
        return report.findings().stream()
                .filter(found -> found.check().equals("mapping.inverse"))
                .map(found -> found.object() + ": " + found.message())
                .collect(Collectors.joining("\n"));
    }

    @Test
    void reportsWrongTypeAndMissingKeyAsMisconfigured() {
        scene.target.execute("ALTER TABLE customer ALTER email TYPE int USING 1");
        assertThat(only(scene.plan()).message()).contains("email").contains("integer");

        PreflightReport withoutKey =
                scene.plan("public.customer: SELECT user_name AS full_name FROM public.users");

        assertThat(withoutKey.outcome()).isEqualTo(Status.MISCONFIGURED);
        assertThat(open(withoutKey))
                .anySatisfy(found -> assertThat(found.message()).contains("does not supply id"));
    }

    @Test
    void acceptsExistingSlotOnlyIfThisMigrationHasStarted() {
        String slot = "millrace_" + scene.migration();
        scene.source.query("SELECT pg_create_logical_replication_slot('" + slot + "', 'pgoutput')");
        try {
            assertThat(only(scene.plan()).message()).contains("has started on this target");

            scene.target.execute(
                    "CREATE SCHEMA millrace AUTHORIZATION " + scene.role,
                    "CREATE TABLE millrace.target_table (migration text, target text,"
                            + " empty_at_start boolean)",
                    "CREATE TABLE millrace.generation (migration text)",
                    "ALTER TABLE millrace.target_table OWNER TO " + scene.role,
                    "ALTER TABLE millrace.generation OWNER TO " + scene.role,
                    "INSERT INTO millrace.generation VALUES ('another')");
            assertThat(only(scene.plan()).message()).contains("has started on this target");

            scene.target.execute(
                    "INSERT INTO millrace.generation VALUES ('" + scene.migration() + "')");
            assertThat(open(scene.plan())).isEmpty();
        } finally {
            scene.source.query("SELECT pg_drop_replication_slot('" + slot + "')");
        }
    }

    @Test
    void reportsMissingSchemaWithExistingOnes() {
        Finding wildcard = only(scene.plan("public.*: SELECT * FROM pubic.*"));
        Finding table = only(scene.plan("public.customer: SELECT id FROM warehouse.users"));

        assertThat(wildcard.remedy()).isEqualTo("did you mean public?");
        assertThat(table.remedy()).startsWith("schema warehouse does not exist: the source has ");
    }

    @Test
    void aMisspelledSensitiveColumnIsRefused() {
        Finding found =
                only(
                        scene.plan(
                                "public.customer: {select: 'SELECT id, user_name AS full_name, email"
                                        + " FROM public.users', sensitive: [emial, full_name]}"));

        assertThat(found.message()).contains("sensitive names the column emial");
        assertThat(found.remedy()).isEqualTo("did you mean email?");
    }

    @Test
    void wildcardExpandsTablesAndReportsExcludedOnes() {
        scene.source.execute(
                "CREATE TABLE "
                        + OddNames.QUOTED
                        + " (id int PRIMARY KEY, "
                        + OddNames.QUOTED
                        + " int, twice int GENERATED ALWAYS AS (id * 2) STORED)",
                "ALTER TABLE " + OddNames.QUOTED + " OWNER TO " + scene.role,
                "CREATE UNLOGGED TABLE fleeting (id int PRIMARY KEY)");
        scene.target.execute(
                "CREATE TABLE "
                        + OddNames.QUOTED
                        + " (id int PRIMARY KEY, "
                        + OddNames.QUOTED
                        + " int, twice int GENERATED ALWAYS AS (id * 2) STORED)",
                "ALTER TABLE " + OddNames.QUOTED + " OWNER TO " + scene.role);

        PreflightReport report =
                scene.plan(
                        """
                        public.customer: SELECT id, user_name AS full_name FROM public.users
                        public.*: SELECT * FROM public.*
                        """);

        assertThat(open(report)).isEmpty();
        assertThat(report.tables().stream().map(table -> table.mapping().target().table()))
                .containsExactly(
                        new TableId("public", "customer"), new TableId("public", OddNames.NAME));
        assertThat(report.tables().getLast().mapping().target().columns())
                .containsExactly("id", OddNames.NAME);
        assertThat(warnings(report)).containsExactly("wildcard", "source.unchanged-values");
    }

    @Test
    void refusesTwoWildcardsThatFillOneTable() {
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
                        one.debezium(),
                        one.backfill(),
                        one.indexes(),
                        one.rejectedLimit(),
                        one.truncate(),
                        one.schemaChange(),
                        one.switchover(),
                        one.queries(),
                        one.reconcile(),
                        one.flow(),
                        one.sensitive());

        assertThat(only(scene.plan(two)).message()).contains("also filled by another wildcard");
    }

    @Test
    void reportsUnreachableTargetAndProblemsOfTheFileWithoutIt() {
        scene.targetUrl = "jdbc:postgresql://127.0.0.1:1/missing";

        PreflightReport report = scene.plan();

        assertThat(report.outcome()).isEqualTo(Status.UNREACHABLE);
        assertThat(checks(report)).contains("target.reachable");
        assertThatThrownBy(() -> scene.plan("public.customer: SELECT count(*) FROM public.users"))
                .hasMessageContaining("millrace.yaml:6:27")
                .hasMessageContaining("the function count is not supported");
    }

    @Test
    void reportsWrongPasswordWithoutPrintingIt() {
        scene.sourcePassword = "canary-8839";

        PreflightReport report = scene.plan();

        Finding found = only(report);
        assertThat(found.check()).isEqualTo("source.reachable");
        assertThat(found.status()).isEqualTo(Status.MISCONFIGURED);
        assertThat(report.toString()).doesNotContain("canary-8839");
    }

    @Test
    void starExcludesColumnsAndTablesAddedAfterTheStart() throws Exception {
        String[] tables = {
            "CREATE TABLE other (id int PRIMARY KEY, v text)",
            "ALTER TABLE other OWNER TO " + scene.role
        };
        scene.source.execute(tables);
        scene.source.execute(
                "CREATE TABLE more (id int PRIMARY KEY, v text)",
                "ALTER TABLE more OWNER TO " + scene.role);
        scene.target.execute(tables);
        scene.target.execute(
                "CREATE TABLE starred (id int PRIMARY KEY, v text, one int NOT NULL)",
                "ALTER TABLE starred OWNER TO " + scene.role);
        String file =
                """
                public.customer: SELECT id, user_name AS full_name, email FROM public.users
                public.starred: SELECT m.*, 1 AS one FROM public.more m
                public.*: SELECT * FROM public.*
                """;
        List<String> before = rendered(scene.plan(file));
        ControlSchema.migrate(() -> scene.onTarget().session("control"));
        for (String target : List.of("customer", "starred", "other")) {
            scene.target.execute(
                    "INSERT INTO millrace.target_table VALUES ('%s', '\"public\".\"%s\"', true)"
                            .formatted(scene.migration(), target));
        }
        scene.target.execute(
                "INSERT INTO millrace.source_columns VALUES ('%1$s', '\"public\".\"other\"', '{id,v}'), ('%1$s', '\"public\".\"more\"', '{id,v}'), ('%1$s', '\"public\".\"users\"', '{id,user_name,email,age}')"
                        .formatted(scene.migration()));

        scene.source.execute(
                "ALTER TABLE other ADD COLUMN later text",
                "ALTER TABLE more ADD COLUMN later text",
                "CREATE TABLE fresh (id int PRIMARY KEY)",
                "ALTER TABLE fresh OWNER TO " + scene.role);
        PreflightReport report = scene.plan(file);

        assertThat(report.accepted()).as(report.toString()).isTrue();
        assertThat(rendered(report)).isEqualTo(before).hasSize(3);
        assertThat(report.findings())
                .filteredOn(found -> found.status() == Status.WARNING)
                .filteredOn(found -> found.message().contains("after the migration began"))
                .extracting(Finding::object)
                .containsExactlyInAnyOrder(
                        "public.other.later", "public.more.later", "public.fresh");
    }

    private static List<String> rendered(PreflightReport report) {
        return report.mappings().stream()
                .map(mapping -> mapping.target().table() + " " + mapping.rendered())
                .toList();
    }

    @Test
    void refusesTopicsWithWrongPartitionsOrReplicationOrForeignRecords() throws Exception {
        String servers = KafkaServer.shared().bootstrapServers();
        String prefix = "millrace." + scene.migration() + ".";
        Map<String, Object> settings = Map.of("bootstrap.servers", servers);
        try (Admin admin = Admin.create(settings);
                KafkaProducer<byte[], byte[]> producer =
                        new KafkaProducer<>(
                                settings, new ByteArraySerializer(), new ByteArraySerializer())) {
            admin.createTopics(
                            List.of(
                                    new NewTopic(prefix + "changes", 3, (short) 1),
                                    new NewTopic(prefix + "target", 6, (short) 1)
                                            .configs(Map.of("min.insync.replicas", "2")),
                                    new NewTopic(prefix + "position", 1, (short) 1)))
                    .all()
                    .get();
            producer.send(new ProducerRecord<>(prefix + "position", new byte[1])).get();
        }
        scene.more = "kafka: {bootstrap-servers: '" + servers + "', partitions: 6}";

        assertThat(scene.plan().findings())
                .filteredOn(
                        found ->
                                found.check().startsWith("kafka.")
                                        && !found.check().equals("kafka.log-size")
                                        && !found.check().equals("kafka.topic-settings")
                                        && found.status() != Status.OK)
                .extracting(found -> found.status() + " " + found.object() + " " + found.message())
                .satisfiesExactlyInAnyOrder(
                        each ->
                                assertThat(each)
                                        .startsWith("MISCONFIGURED topic " + prefix + "changes")
                                        .contains("has 3 partitions, but the file declares 6"),
                        each ->
                                assertThat(each)
                                        .startsWith("WARNING topic " + prefix + "changes")
                                        .contains("1 replica and min.insync.replicas=1"),
                        each ->
                                assertThat(each)
                                        .startsWith("REFUSED topic " + prefix + "target")
                                        .contains("no write can succeed"),
                        each -> assertThat(each).startsWith("WARNING topic " + prefix + "position"),
                        each ->
                                assertThat(each)
                                        .startsWith("REFUSED topic " + prefix + "position")
                                        .contains("contains records"));
    }
}
