package dev.millrace.preflight.environment;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.preflight.environment.EnvironmentChecks.Setting;
import dev.millrace.preflight.plan.Finding;
import dev.millrace.preflight.plan.Finding.Status;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class EnvironmentChecksTest {

    private static Finding only(List<Finding> findings) {
        assertThat(findings).hasSize(1);
        return findings.getFirst();
    }

    /// The target's clock is read between two readings of the source's.
    @ParameterizedTest
    @CsvSource({
        "5000, 5010, 5020, OK, 0 ms",
        "5000, 6020, 5020, OK, 1000 ms",
        "5000, 6021, 5020, WARNING, 1001 ms",
        "5000, 4000, 5020, OK, 1000 ms",
        "5000, 3999, 5020, WARNING, 1001 ms",
        // A slow answer of the target is no difference.
        "5000, 9000, 15000, OK, 0 ms"
    })
    void clocksMayDifferByASecond(
            long before, long target, long after, Status status, String value) {
        Finding found = only(EnvironmentChecks.clocks(before, target, after));

        assertThat(found.status()).isEqualTo(status);
        assertThat(found.value()).isEqualTo(value);
    }

    @Test
    void aServerWideSettingIsRaisedForTheServer() {
        Finding found =
                only(
                        EnvironmentChecks.decodingMemory(
                                new Setting(
                                        "logical_decoding_work_mem",
                                        "65535",
                                        "configuration file",
                                        "shop",
                                        "millrace")));

        assertThat(found.status()).isEqualTo(Status.WARNING);
        assertThat(found.remedy())
                .isEqualTo(
                        "ALTER SYSTEM SET logical_decoding_work_mem = '64MB'; SELECT"
                                + " pg_reload_conf();");
    }

    @Test
    void aServerThatLogsEveryStatementIsToldNotToLogThoseOfMillrace() {
        Finding found =
                only(
                        EnvironmentChecks.statementLog(
                                new Setting(
                                        "log_statement",
                                        "mod",
                                        "configuration file",
                                        "shop",
                                        "millrace")));

        assertThat(found.status()).isEqualTo(Status.WARNING);
        assertThat(found.remedy()).isEqualTo("ALTER ROLE \"millrace\" SET log_statement = 'ddl';");
    }

    @Test
    void onlyMissingExtensionsAreReported() {
        assertThat(
                        EnvironmentChecks.extensions(
                                Set.of("plpgsql", "citext", "postgis"), Set.of("citext")))
                .extracting(found -> found.status() + " " + found.object())
                .containsExactly("REFUSED extension plpgsql", "WARNING extension postgis");
        assertThat(only(EnvironmentChecks.extensions(Set.of(), Set.of("plpgsql"))).status())
                .isEqualTo(Status.OK);
    }

    @Test
    void aColumnMattersOnlyIfThereAreLargeObjects() {
        assertThat(only(EnvironmentChecks.largeObjects(false, List.of("a.b.c"))).status())
                .isEqualTo(Status.OK);
        assertThat(only(EnvironmentChecks.largeObjects(true, List.of())).status())
                .isEqualTo(Status.OK);
        assertThat(only(EnvironmentChecks.largeObjects(true, List.of("a.b.c"))).object())
                .isEqualTo("column a.b.c");
    }
}
