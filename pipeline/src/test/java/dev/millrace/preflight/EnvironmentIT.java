package dev.millrace.preflight;

import static dev.millrace.preflight.Reported.checks;
import static dev.millrace.preflight.Reported.open;
import static dev.millrace.preflight.Reported.warnings;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import dev.millrace.change.Topics;
import dev.millrace.kafka.TopicPlan;
import dev.millrace.testing.KafkaServer;
import dev.millrace.testing.PgBouncerProcess;
import dev.millrace.testing.PostgresServer;
import java.util.List;
import java.util.Map;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.common.config.ConfigResource;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Each check of the environment finds what was planted, and passes after its own remedy.
class EnvironmentIT {

    private static final Pattern ADD_CONFIG =
            Pattern.compile("--entity-name (\\S+) --add-config ([a-z.]+)=(\\S+)$");

    private final PreflightScene scene = new PreflightScene();

    private static Finding warned(PreflightReport report, String check) {
        return report.findings().stream()
                .filter(found -> found.check().equals(check))
                .filter(found -> found.status() == Finding.Status.WARNING)
                .findFirst()
                .orElseThrow();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "ALTER DATABASE {database} SET",
                "ALTER ROLE {role} SET",
                "ALTER ROLE {role} IN DATABASE {database} SET"
            })
    void littleDecodingMemoryIsLiftedWhereItWasSet(String place) {
        assertThat(warnings(scene.plan())).doesNotContain("source.decoding-memory");
        scene.source.execute(
                place.replace("{database}", PreflightScene.name(scene.source))
                                .replace("{role}", scene.role)
                        + " logical_decoding_work_mem = '64kB'");

        Finding found = warned(scene.plan(), "source.decoding-memory");

        assertThat(found.value()).isEqualTo("64 kB");
        assertThat(found.limit()).isEqualTo("65536 kB");
        scene.source.execute(found.remedy());
        assertThat(warnings(scene.plan())).doesNotContain("source.decoding-memory");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "ALTER DATABASE {database} SET",
                "ALTER ROLE {role} SET",
                "ALTER ROLE {role} IN DATABASE {database} SET"
            })
    void loggedStatementsAreReported(String place) {
        assertThat(warnings(scene.plan())).doesNotContain("target.statement-log");
        scene.target.execute(
                place.replace("{database}", PreflightScene.name(scene.target))
                                .replace("{role}", scene.role)
                        + " log_statement = 'all'");

        Finding found = warned(scene.plan(), "target.statement-log");

        assertThat(found.value()).isEqualTo("all");
        scene.target.execute(found.remedy());
        assertThat(warnings(scene.plan())).doesNotContain("target.statement-log");
    }

    @Test
    void aTableWithoutAutovacuumIsReported() {
        scene.target.execute("ALTER TABLE customer SET (autovacuum_enabled = false)");

        Finding found = warned(scene.plan(), "target.autovacuum");

        assertThat(found.object()).isEqualTo("table public.customer");
        scene.target.execute(found.remedy());
        assertThat(warnings(scene.plan())).doesNotContain("target.autovacuum");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"TimeZone = 'Europe/Berlin'", "search_path = app, \"Other Schema\", public"})
    void aSettingOfTheSourceDatabaseIsReported(String setting) {
        assertThat(warnings(scene.plan())).doesNotContain("target.database-settings");
        scene.source.execute(
                "ALTER DATABASE " + PreflightScene.name(scene.source) + " SET " + setting);

        Finding found = warned(scene.plan(), "target.database-settings");

        assertThat(found.value()).isEqualTo("not set");
        scene.target.execute(found.remedy());
        assertThat(warnings(scene.plan())).doesNotContain("target.database-settings");
    }

    /// Applications keep keys in settings of their own.
    @Test
    void aSettingOfTheApplicationIsReportedWithoutItsValue() {
        String name = PreflightScene.name(scene.source);
        scene.source.execute("ALTER DATABASE " + name + " SET my.setting = 'canary-4471'");
        scene.target.execute(
                "ALTER DATABASE "
                        + PreflightScene.name(scene.target)
                        + " SET my.setting = 'canary-4472'");

        Finding found = warned(scene.plan(), "target.database-settings");

        assertThat(found.object()).isEqualTo("setting my.setting");
        assertThat(found.toString()).doesNotContain("canary");
        scene.target.execute(found.remedy().replace("'…'", "'canary-4471'"));
        assertThat(warnings(scene.plan())).doesNotContain("target.database-settings");
    }

    @Test
    void anotherLocaleOfTheTargetDatabaseIsReported() {
        assertThat(warnings(scene.plan())).doesNotContain("target.database-locale");
        PreflightScene other =
                PreflightScene.of(
                        PostgresServer.shared().newDatabase("LOCALE 'C'"),
                        PostgresServer.shared()
                                .newDatabase("LOCALE_PROVIDER icu ICU_LOCALE 'de-DE' LOCALE 'C'"));

        Finding found = warned(other.plan(), "target.database-locale");

        assertThat(found.value()).contains("icu de-DE");
        assertThat(found.limit()).contains("libc");
        assertThat(found.remedy()).contains("CREATE DATABASE");
    }

    @Test
    void aTargetWithoutTheLanguageOfMillracesFunctionsIsRefused() {
        scene.target.execute("DROP EXTENSION plpgsql");

        PreflightReport report = scene.plan();

        assertThat(checks(report)).containsExactly("target.extensions");
        scene.target.execute(open(report).getFirst().remedy());
        assertThat(open(scene.plan())).isEmpty();
    }

    @Test
    void anExtensionThatTheTargetLacksIsReported() {
        String available =
                scene.source.value(
                        "SELECT min(name) FROM pg_available_extensions WHERE name IN ('citext', 'pg_trgm', 'hstore', 'btree_gist', 'pgcrypto')");
        assumeThat(available).as("the server has contrib extensions").isNotNull();
        scene.source.execute("CREATE EXTENSION " + available);

        Finding found = warned(scene.plan(), "target.extensions");

        assertThat(found.object()).isEqualTo("extension " + available);
        scene.target.execute(found.remedy());
        assertThat(warnings(scene.plan())).doesNotContain("target.extensions");
    }

    @Test
    void aColumnThatNamesLargeObjectsIsReported() {
        for (var side : List.of(scene.source, scene.target)) {
            side.execute(
                    "CREATE TABLE doc (id bigint PRIMARY KEY, content oid, bytes bytea)",
                    "ALTER TABLE doc OWNER TO " + scene.role);
        }
        String whole = "public.doc: SELECT id, content FROM public.doc";
        assertThat(warnings(scene.plan(whole))).doesNotContain("source.large-objects");
        scene.source.execute(
                "INSERT INTO doc VALUES (1, lo_from_bytea(0, 'a large object'), NULL)");

        Finding found = warned(scene.plan(whole), "source.large-objects");

        assertThat(found.object()).isEqualTo("column public.doc.content");
        assertThat(found.remedy()).contains("lo_get", "bytea");
        scene.source.execute("UPDATE doc SET bytes = lo_get(content)");
        assertThat(warnings(scene.plan("public.doc: SELECT id, bytes FROM public.doc")))
                .doesNotContain("source.large-objects");
    }

    @Test
    void aPoolerInsteadOfTheServerIsRefused() {
        assumeThat(PgBouncerProcess.isInstalled()).as(PgBouncerProcess.MISSING).isTrue();
        String direct = scene.targetUrl;
        try (PgBouncerProcess pooler =
                PgBouncerProcess.start(
                        List.of(PgBouncerProcess.line("shop", scene.target)),
                        Map.of(scene.role, scene.sourcePassword),
                        Map.of("ignore_startup_parameters", "extra_float_digits,options"))) {
            scene.targetUrl = pooler.database("shop", scene.role, scene.sourcePassword).url();

            PreflightReport report = scene.plan();

            assertThat(checks(report)).containsExactly("target.direct");
            assertThat(open(report).getFirst().remedy()).contains("Set target.url");
        }
        scene.targetUrl = direct;
        assertThat(open(scene.plan())).isEmpty();
    }

    @Test
    void aTopicThatRefusesLargeRecordsOrDeletesThemIsRefused() throws Exception {
        String servers = KafkaServer.shared().bootstrapServers();
        String topic = new Topics(scene.migration()).changes();
        scene.more = "kafka: {bootstrap-servers: '" + servers + "', partitions: 2}";
        try (Admin admin = Admin.create(Map.of("bootstrap.servers", servers))) {
            admin.createTopics(
                            List.of(
                                    new NewTopic(topic, 2, (short) 1)
                                            .configs(Map.of("max.message.bytes", "1000"))))
                    .all()
                    .get();

            PreflightReport report = scene.plan();

            assertThat(checks(report)).containsOnly("kafka.topic-settings");
            assertThat(open(report))
                    .extracting(Finding::value)
                    .contains("max.message.bytes=1000")
                    .anyMatch(value -> String.valueOf(value).startsWith("retention.ms="));
            assertThat(open(report))
                    .filteredOn(found -> String.valueOf(found.value()).startsWith("max.message"))
                    .singleElement()
                    .extracting(Finding::limit)
                    .isEqualTo(
                            "max.message.bytes="
                                    + TopicPlan.of(new Topics(scene.migration()), 2)
                                            .changes()
                                            .config()
                                            .get("max.message.bytes"));
            for (Finding found : open(report)) {
                apply(admin, found.remedy());
            }
        }
        assertThat(open(scene.plan())).isEmpty();
    }

    private static void apply(Admin admin, String remedy) throws Exception {
        Matcher command = ADD_CONFIG.matcher(remedy);
        assertThat(command.find()).as(remedy).isTrue();
        MatchResult found = command.toMatchResult();
        admin.incrementalAlterConfigs(
                        Map.of(
                                new ConfigResource(ConfigResource.Type.TOPIC, found.group(1)),
                                List.of(
                                        new AlterConfigOp(
                                                new ConfigEntry(found.group(2), found.group(3)),
                                                AlterConfigOp.OpType.SET))))
                .all()
                .get();
    }
}
