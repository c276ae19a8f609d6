package dev.millrace.preflight;

import static dev.millrace.preflight.Reported.only;
import static dev.millrace.preflight.Reported.open;
import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.preflight.plan.Finding;
import dev.millrace.preflight.plan.Finding.Status;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// The statements of the section `queries`, before a migration starts.
class QueryCheckIT {

    private final PreflightScene scene = new PreflightScene();

    private PreflightReport plan(String old, String next, String parameters) {
        scene.more =
                "queries: [{name: q, old: \"%s\", new: \"%s\", parameters: \"%s\"}]"
                        .formatted(old, next, parameters);
        return scene.plan();
    }

    @Test
    void acceptsStatementsThatRead() {
        PreflightReport report =
                plan(
                        "SELECT user_name FROM users WHERE id = $1",
                        "SELECT full_name FROM customer WHERE id = $1",
                        "SELECT id FROM users ORDER BY random() LIMIT 10");

        assertThat(open(report)).isEmpty();
        assertThat(report.findings())
                .filteredOn(finding -> finding.check().equals("queries"))
                .singleElement()
                .matches(finding -> finding.status() == Status.OK);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '"',
            textBlock =
                    """
                    SELECT pg_sleep(1)     | SELECT 1             | REFUSED       | old | volatile
                    SELECT 1               | DELETE FROM customer | REFUSED       | new | changes or locks rows
                    SELECT random()        | SELECT 1             | REFUSED       | old | random()
                    SELECT id FROM nowhere | SELECT 1             | MISCONFIGURED | old | nowhere
                    SELECT $1::int         | SELECT $1::int       | MISCONFIGURED | parameters | [1, 1, 0]
                    """)
    void refusesWhatDoesMoreOrDoesNotFit(
            String old, String next, Status status, String key, String message) {
        scene.more = "queries: [{name: q, old: \"%s\", new: \"%s\"}]".formatted(old, next);

        assertOnly(status, key, message);
    }

    @Test
    void checksTheSelectOfTheParametersToo() {
        scene.more =
                "queries: [{name: q, old: SELECT $1::int, new: SELECT $1::int, parameters: SELECT pg_backend_pid() FROM pg_sleep(0)}]";
        assertOnly(Status.REFUSED, "parameters", "pg_sleep");

        scene.more =
                "queries: [{name: q, old: SELECT $1::int, new: SELECT $1::int, parameters: 'SELECT id, age FROM users'}]";
        assertOnly(Status.MISCONFIGURED, "parameters", "[1, 1, 2]");

        scene.more =
                "queries: [{name: q, old: SELECT $1::int, new: SELECT $1::int, parameters: DELETE FROM users RETURNING id}]";
        assertOnly(Status.REFUSED, "parameters", "changes or locks rows");

        scene.more =
                "queries: [{name: q, old: SELECT $1::int, new: SELECT $1::int, parameters: SELECT id FROM users WHERE id > $1}]";
        assertOnly(Status.MISCONFIGURED, "parameters", "has parameters itself");
    }

    private void assertOnly(Status status, String key, String message) {
        Finding finding = only(scene.plan());
        assertThat(finding.status()).isEqualTo(status);
        assertThat(finding.object()).isEqualTo("query q, " + key);
        assertThat(finding.message()).contains(message);
        assertThat(finding.remedy()).isNotEmpty();
    }

    @Test
    void namesARoleThatTheLoginCannotTake() {
        scene.more = "queries: [{name: q, old: SELECT 1, new: SELECT 1, role: pg_monitor}]";

        assertThat(open(scene.plan()))
                .extracting(Finding::object)
                .containsExactly("query q, old", "query q, new");
        scene.source.execute("GRANT pg_monitor TO " + scene.role);
        assertThat(open(scene.plan())).isEmpty();
    }

    @Test
    void aMissingPrivilegeNamesTheTable() {
        scene.source.execute("CREATE TABLE hidden (id int)");
        scene.more = "queries: [{name: q, old: SELECT id FROM hidden, new: SELECT 1}]";

        assertThat(only(scene.plan()).message()).contains("hidden");
    }
}
