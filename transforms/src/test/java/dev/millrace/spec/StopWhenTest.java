package dev.millrace.spec;

import static dev.millrace.spec.SpecTexts.VALID;
import static dev.millrace.spec.SpecTexts.problems;
import static dev.millrace.spec.SpecTexts.valid;
import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.spec.flow.FlowSetting.WalExit;
import dev.millrace.spec.flow.StopCondition;
import dev.millrace.spec.flow.StopCondition.Consequence;
import dev.millrace.spec.flow.StopCondition.Measure;
import dev.millrace.spec.flow.StopCondition.Metric;
import dev.millrace.spec.flow.StopCondition.Side;
import dev.millrace.spec.flow.StopCondition.Unit;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class StopWhenTest {

    private static List<StopCondition> read(String... entries) {
        return valid(VALID + section(entries), Map.of()).spec().flow().stopWhen();
    }

    private static String section(String... entries) {
        return "stop-when:\n- {" + String.join("}\n- {", entries) + "}\n";
    }

    @Test
    void readsConditionsInTheOrderOfTheFile() {
        assertThat(
                        read(
                                "metric: target.commit.p95, above: 200ms, for: 30s, then: pause-backfill",
                                "name: jobs, sql: SELECT count(*) FROM job, on: source, above: 5.5, then: pause",
                                "metric: source.wal-retained, above: 20GB, then: block-switchover"))
                .containsExactly(
                        new StopCondition(
                                "target.commit.p95",
                                new Measure.BuiltIn(Metric.TARGET_COMMIT_P95),
                                0.2,
                                Duration.ofSeconds(30),
                                Consequence.PAUSE_BACKFILL),
                        new StopCondition(
                                "jobs",
                                new Measure.Scalar(Side.SOURCE, "SELECT count(*) FROM job"),
                                5.5,
                                StopCondition.SUSTAINED,
                                Consequence.PAUSE),
                        new StopCondition(
                                "source.wal-retained",
                                new Measure.BuiltIn(Metric.SOURCE_WAL_RETAINED),
                                20L << 30,
                                StopCondition.SUSTAINED,
                                Consequence.BLOCK_SWITCHOVER));
        assertThat(valid(VALID, Map.of()).spec().flow().stopWhen()).isEmpty();
    }

    @ParameterizedTest
    @CsvSource({
        "SECONDS,200ms,0.2",
        "SECONDS,5s,5",
        "SECONDS,2m,120",
        "BYTES,64kB,65536",
        "BYTES,3MB,3145728",
        "BYTES,1TB,1099511627776",
        "NUMBER,0,0",
        "NUMBER,12.5,12.5"
    })
    void readsTheUnitOfEachMetric(Unit unit, String text, double value) {
        assertThat(unit.parse(text)).hasValue(value);
    }

    @ParameterizedTest
    @CsvSource({
        "SECONDS,0s",
        "SECONDS,200",
        "SECONDS,5MB",
        "BYTES,5",
        "BYTES,5mb",
        "BYTES,0MB",
        "NUMBER,-1",
        "NUMBER,1e3",
        "NUMBER,5s"
    })
    void refusesAnotherUnit(Unit unit, String text) {
        assertThat(unit.parse(text)).isEmpty();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            textBlock =
                    """
                    metric: target.comit.p95, above: 1s, then: pause            | did you mean target.commit.p95
                    metric: target.lock-waits, above: 200ms, then: pause        | must be a number
                    metric: target.replication-lag, above: 5s, then: pause      | must be a size
                    metric: target.commit.p95, above: 5, then: pause            | must be a duration
                    metric: target.lock-waits, above: 5, then: stop             | must be pause-backfill
                    metric: target.lock-waits, above: 5, then: drop-slot        | must be pause-backfill
                    metric: target.lock-waits, above: 5, then: rollback         | add a route
                    metric: target.lock-waits, then: pause                      | add above
                    http: "ftp://localhost/ok", name: a, then: pause            | must be a URL
                    http: "http://ann:pw@localhost/ok", name: a, then: pause    | no password
                    http: "http://localhost/ok", then: pause                    | add name
                    http: "http://localhost/ok", name: a, above: 1, then: pause | is no limit
                    http: "http://localhost/ok", metric: target.lock-waits, then: pause | at most one
                    between: "25:00-06:00", name: a, then: pause                | two times of the day
                    between: "22:00-06:00 Nowhere", name: a, then: pause        | two times of the day
                    between: "22:00-06:00", name: a, then: slow                 | does not get lower
                    metric: target.lock-waits, name: wal-exit, above: 5, then: pause | use another name
                    metric: target.lock-waits, above: 5, for: 0s, then: pause   | stop-when[0].for
                    metric: target.lock-waits, above: 5, for: 2h, then: pause   | stop-when[0].for
                    metric: target.lock-waits, on: target, above: 5, then: pause| belongs to sql
                    sql: SELECT 1, name: a, above: 5, then: pause               | add on: source
                    sql: SELECT 1, on: target, above: 5, then: pause            | add name
                    sql: SELECT 1; SELECT 2, name: a, on: target, above: 5, then: pause | semicolon
                    above: 5, then: pause                                       | add metric, sql
                    """)
    void refusesWhatHasNoMeaning(String entry, String reason) {
        assertThat(problems(VALID + section(entry))).anyMatch(each -> each.contains(reason));
    }

    @Test
    void readsAChecksAddressAndATimeOfTheDay() {
        List<StopCondition> read =
                read(
                        "http: 'http://localhost:1/ok?key=canary', name: check, then: slow",
                        "between: '22:00-06:30 Europe/Berlin', name: night, then: pause-backfill");

        assertThat(read.getFirst().measure())
                .isEqualTo(new Measure.HttpCheck("http://localhost:1/ok?key=canary"));
        assertThat(read.toString()).doesNotContain("canary");
        Measure.Window night = (Measure.Window) read.getLast().measure();
        assertThat(night.contains(Instant.parse("2026-03-01T20:59:59Z"))).isFalse();
        assertThat(night.contains(Instant.parse("2026-03-01T21:00:00Z"))).isTrue();
        assertThat(night.contains(Instant.parse("2026-03-02T05:29:59Z"))).isTrue();
        assertThat(night.contains(Instant.parse("2026-03-02T05:30:00Z"))).isFalse();
        // One hour earlier in summer.
        assertThat(night.contains(Instant.parse("2026-07-01T20:00:00Z"))).isTrue();
        assertThat(night.text()).isEqualTo("22:00-06:30 Europe/Berlin");
    }

    @Test
    void readsWhatIsDoneWhenTheBudgetIsUsedUp() {
        assertThat(valid(VALID, Map.of()).spec().flow().walExit()).isEqualTo(WalExit.KEEP);
        assertThat(valid(VALID + "wal-exit: drop-slot\n", Map.of()).spec().flow().walExit())
                .isEqualTo(WalExit.DROP_SLOT);
        assertThat(problems(VALID + "wal-exit: stop\n"))
                .singleElement()
                .asString()
                .contains("must be keep or drop-slot");
    }

    @Test
    void aNameIsUsedOnce() {
        assertThat(
                        problems(
                                VALID
                                        + section(
                                                "metric: target.lock-waits, above: 5, then: pause",
                                                "metric: target.lock-waits, above: 9, then: pause")))
                .singleElement()
                .asString()
                .contains("names a second condition");
    }

    @Test
    void theEngineCannotBePaused() {
        String entry = "metric: target.lock-waits, above: 5, then: pause-backfill";

        assertThat(problems(VALID + "backfill: engine\n" + section(entry)))
                .singleElement()
                .asString()
                .contains("set backfill: windows");
    }

    @Test
    void readsTheWalBudget() {
        assertThat(valid(VALID + "wal-budget: 20GB\n", Map.of()).spec().flow().walBudget())
                .hasValue(20L << 30);
        assertThat(valid(VALID, Map.of()).spec().flow().walBudget()).isEmpty();
        assertThat(problems(VALID + "wal-budget: 20\n"))
                .singleElement()
                .asString()
                .contains("wal-budget", "must be a size");
        assertThat(
                        problems(
                                VALID
                                        + section(
                                                "metric: target.lock-waits, name: wal-budget,"
                                                        + " above: 5, then: pause")))
                .singleElement()
                .asString()
                .contains("use another name");
    }

    /// Otherwise a verdict would end when a limit is edited.
    @Test
    void theConditionsAreNoPartOfTheHash() {
        String entry = "metric: target.lock-waits, above: 5, then: pause";

        assertThat(valid(VALID + section(entry), Map.of()).hash())
                .isEqualTo(valid(VALID, Map.of()).hash());
    }
}
