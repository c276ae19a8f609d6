package dev.millrace.preflight;

import static dev.millrace.preflight.Reported.warnings;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import dev.millrace.preflight.plan.Finding;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// The remedies of settings belong where the setting was made. [PlanRemediesIT] has every check.
class EnvironmentIT {

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

    @ParameterizedTest
    @ValueSource(
            strings = {
                "TimeZone = 'Europe/Berlin'",
                "search_path = app, \"Other Schema\", public",
                "application_name = 'it''s'"
            })
    void aSettingOfTheSourceDatabaseIsReported(String setting) {
        assertThat(warnings(scene.plan())).doesNotContain("target.database-settings");
        scene.source.execute(
                "ALTER DATABASE " + PreflightScene.name(scene.source) + " SET " + setting);

        Finding found = warned(scene.plan(), "target.database-settings");

        assertThat(found.value()).isEqualTo("not set");
        scene.target.execute(found.remedy());
        assertThat(warnings(scene.plan())).doesNotContain("target.database-settings");
    }

    /// Applications keep keys in their own settings.
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
        String statement = found.remedy().substring(found.remedy().indexOf("ALTER DATABASE"));
        scene.target.execute(statement.replace("'...'", "'canary-4471'"));
        assertThat(warnings(scene.plan())).doesNotContain("target.database-settings");
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
}
