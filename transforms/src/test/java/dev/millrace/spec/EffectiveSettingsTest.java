package dev.millrace.spec;

import static dev.millrace.spec.SpecTexts.VALID;
import static dev.millrace.spec.SpecTexts.valid;
import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.spec.setting.EffectiveSetting;
import dev.millrace.spec.setting.EffectiveSetting.Origin;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// The settings that a file results in, with their origin and without their secrets.
class EffectiveSettingsTest {

    /// Each secret, and each text that may contain one, has the word `canary`.
    private static final String SECRETS =
            """
            migration: shop
            source:
              url: jdbc:postgresql://localhost:5432/shop
              username: ${CANARY}
              password: canary-1
              reconcile: {username: reader, password: '${CANARY}'}
            target:
              url: jdbc:postgresql://localhost:5433/crm
              username: millrace
              password: ${CANARY}
            kafka:
              bootstrap-servers: localhost:9092
              properties: {sasl.jaas.config: canary-2, ssl.key.password: '${CANARY}'}
            debezium: {max.queue.size: '${NUMBER}'}
            tables:
              crm.customer: SELECT id, concat('${CANARY}', name) AS name FROM public.users
            switchover:
              route:
              - flag: {side: target, table: app.flag, column: value, where: {name: canary-3}, old: canary-4, new: canary-5}
              - sql: {side: source, switch: SELECT use('canary-6'), rollback: SELECT use('canary-7')}
              - exec: {switch: [./route, canary-8], rollback: [./route, canary-9]}
              - webhook: {url: 'https://router:8443/canary-a', token: canary-b}
              - pgbouncer: {admin: 'pool:6432', username: millrace, password: canary-c, database: shop,
                  config: pool.ini, old: host=db1, new: host=db2}
            """;

    private static final Map<String, String> ENVIRONMENT =
            Map.of("CANARY", "canary-0", "NUMBER", "424242", "LAG", "3s", "HOST", "db7");

    private static EffectiveSetting setting(String text, String key) {
        return valid(text, ENVIRONMENT).settings().stream()
                .filter(each -> each.key().equals(key))
                .findFirst()
                .orElseThrow(() -> new AssertionError(valid(text, ENVIRONMENT).settings()));
    }

    @Test
    void noSecretAndNothingThatMayContainOneIsListed() {
        List<EffectiveSetting> settings = valid(SECRETS, ENVIRONMENT).settings();

        assertThat(settings.toString()).contains("source.password", "crm.customer", "pool:6432");
        assertThat(settings.toString()).doesNotContain("canary-", "424242");
    }

    @ParameterizedTest
    @CsvSource({
        "source.password",
        "source.reconcile.password",
        "kafka.properties[\"sasl.jaas.config\"]",
        "debezium[\"max.queue.size\"]",
        "switchover.route[0].flag.where[\"name\"]",
        "switchover.route[2].exec.switch",
        "switchover.route[3].webhook.url",
        "switchover.route[3].webhook.token",
        "switchover.route[4].pgbouncer.password"
    })
    void aSecretIsListedByItsKey(String key) {
        assertThat(setting(SECRETS, key).value()).isEqualTo(EffectiveSetting.MASKED);
    }

    @Test
    void aSettingOfTheFileNamesItsLine() {
        assertThat(setting(VALID + "backfill: engine\n", "backfill"))
                .isEqualTo(new EffectiveSetting("backfill", "engine", Origin.FILE, "m.yaml:10"));
    }

    @Test
    void aSettingThatIsLeftOutHasItsDefault() {
        assertThat(setting(VALID, "backfill"))
                .isEqualTo(new EffectiveSetting("backfill", "windows", Origin.DEFAULT, ""));
        assertThat(setting(VALID, "kafka.retention").value()).isEqualTo("7d");
        assertThat(setting(VALID, "switchover.timeout").origin()).isEqualTo(Origin.DEFAULT);
    }

    @Test
    void oneRouteHasNoDefaultsOfTheOthers() {
        assertThat(valid(SECRETS, ENVIRONMENT).settings())
                .extracting(EffectiveSetting::key)
                .contains("switchover.route[2].exec.timeout")
                .doesNotContain("switchover.route[1].exec.timeout");
    }

    @Test
    void aSettingOfTheEnvironmentNamesItsVariables() {
        String url = "jdbc:postgresql://${HOST}:${PORT:5432}/shop";

        assertThat(
                        setting(
                                VALID.replace("jdbc:postgresql://localhost:5432/shop", url),
                                "source.url"))
                .isEqualTo(
                        new EffectiveSetting(
                                "source.url",
                                "jdbc:postgresql://db7:5432/shop",
                                Origin.ENVIRONMENT,
                                "HOST"));
        assertThat(setting(VALID + "switchover: {lag-below: '${LAG}'}\n", "switchover.lag-below"))
                .isEqualTo(
                        new EffectiveSetting(
                                "switchover.lag-below", "3s", Origin.ENVIRONMENT, "LAG"));
    }

    /// It may be a secret, such as the salt of a hash.
    @Test
    void aFreeTextOfTheEnvironmentIsAsTheFileHasIt() {
        assertThat(setting(SECRETS, "source.username"))
                .isEqualTo(
                        new EffectiveSetting(
                                "source.username", "${CANARY}", Origin.ENVIRONMENT, "CANARY"));
        assertThat(setting(SECRETS, "tables[\"crm.customer\"].select").value())
                .contains("concat('${CANARY}', name)");
    }

    @Test
    void aVariableThatIsNotSetLeavesTheDefaultOfTheFile() {
        assertThat(
                        setting(
                                VALID.replace("username: millrace", "username: ${NOBODY:mill}"),
                                "source.username"))
                .isEqualTo(
                        new EffectiveSetting("source.username", "mill", Origin.FILE, "m.yaml:4"));
    }
}
