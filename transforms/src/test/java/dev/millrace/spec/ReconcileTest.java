package dev.millrace.spec;

import static dev.millrace.spec.SpecTexts.VALID;
import static dev.millrace.spec.SpecTexts.problems;
import static dev.millrace.spec.SpecTexts.valid;
import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.spec.reconcile.ReconcileSetting;
import dev.millrace.spec.reconcile.Schedule;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ReconcileTest {

    private static ReconcileSetting read(String section) {
        return valid(VALID + "reconcile: {" + section + "}\n", Map.of()).spec().reconcile();
    }

    @Test
    void comparesOnRequestOnlyWithoutTheSection() {
        assertThat(valid(VALID, Map.of()).spec().reconcile()).isEqualTo(ReconcileSetting.DEFAULT);
        assertThat(ReconcileSetting.DEFAULT.schedule().after(Instant.EPOCH)).isEmpty();
        assertThat(read("")).isEqualTo(ReconcileSetting.DEFAULT);
    }

    @Test
    void aDurationCountsFromTheLastTime() {
        Schedule schedule = read("schedule: 90m").schedule();

        assertThat(schedule).isEqualTo(new Schedule.Every(Duration.ofMinutes(90)));
        assertThat(schedule.after(Instant.parse("2026-01-02T03:04:05Z")))
                .contains(Instant.parse("2026-01-02T04:34:05Z"));
    }

    @Test
    void readsBothSchedules() {
        ReconcileSetting setting = read("schedule: '0 3 * * *', incremental: 5m");

        assertThat(setting.schedule()).isInstanceOf(Schedule.Cron.class);
        assertThat(setting.incremental()).isEqualTo(new Schedule.Every(Duration.ofMinutes(5)));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            textBlock =
                    """
                    15 3 * * *      | 2026-01-02T03:14:59Z | 2026-01-02T03:15:00Z
                    15 3 * * *      | 2026-01-02T03:15:00Z | 2026-01-03T03:15:00Z
                    */20 * * * *    | 2026-01-02T03:41:00Z | 2026-01-02T04:00:00Z
                    5/20 * * * *    | 2026-01-02T03:41:00Z | 2026-01-02T03:45:00Z
                    0 9-17/4 * * *  | 2026-01-02T13:00:00Z | 2026-01-02T17:00:00Z
                    0 0 31 * *      | 2026-01-31T00:00:00Z | 2026-03-31T00:00:00Z
                    0 0 * * 0       | 2026-01-02T00:00:00Z | 2026-01-04T00:00:00Z
                    0 0 * * 7       | 2026-01-02T00:00:00Z | 2026-01-04T00:00:00Z
                    0 0 6 * 0       | 2026-01-02T00:00:00Z | 2026-01-04T00:00:00Z
                    0 0 6 * 0       | 2026-01-04T00:00:00Z | 2026-01-06T00:00:00Z
                    0 0 */2 * *     | 2026-01-01T00:00:00Z | 2026-01-03T00:00:00Z
                    59 23 31 12 *   | 2026-12-31T23:59:00Z | 2027-12-31T23:59:00Z
                    0 0 29 2 *      | 2026-01-01T00:00:00Z | 2028-02-29T00:00:00Z
                    1,3,5 0,12 * * *| 2026-01-02T00:05:30Z | 2026-01-02T12:01:00Z
                    """)
    void fiveFieldsMeetTheMinutesOfCron(String cron, Instant last, Instant next) {
        assertThat(read("schedule: '" + cron + "'").schedule().after(last)).contains(next);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "60 * * * *",
                "* 24 * * *",
                "* * 0 * *",
                "* * * 13 *",
                "* * * * 8",
                "9-1 * * * *",
                "*/0 * * * *",
                "1,, * * * *",
                "0 0 31 2 *",
                "* * * *",
                "daily",
                "MON * * * *"
            })
    void refusesFieldsThatMeetNoMinute(String cron) {
        assertThat(problems(VALID + "reconcile: {schedule: '" + cron + "'}\n"))
                .singleElement()
                .asString()
                .contains("reconcile.schedule", "neither a duration nor five fields");
    }

    @ParameterizedTest
    @ValueSource(strings = {"59s", "32d", "0h"})
    void refusesATooShortOrTooLongInterval(String interval) {
        assertThat(problems(VALID + "reconcile: {schedule: " + interval + "}\n"))
                .singleElement()
                .asString()
                .contains("reconcile.schedule");
    }

    @Test
    void watchesTheTargetUnlessTheFileSaysOtherwise() {
        assertThat(read("foreign-writes: watch").watchesTarget()).isTrue();
        assertThat(read("foreign-writes: ignore").watchesTarget()).isFalse();
    }

    @Test
    void readsWhatAComparisonMayCost() {
        assertThat(
                        read("max-load: 0.25, chunk-time: 200ms, parallel: 2,"
                                        + " statement-timeout: 10m")
                                .load())
                .isEqualTo(
                        new ReconcileSetting.Load(
                                0.25,
                                Duration.ofMillis(200),
                                2,
                                Optional.of(Duration.ofMinutes(10))));
        assertThat(read("max-load: 1").load()).isEqualTo(ReconcileSetting.Load.DEFAULT);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "max-load: 0",
                "max-load: 0.001",
                "max-load: 1.5",
                "max-load: 25%",
                "chunk-time: 49ms",
                "chunk-time: 2m",
                "parallel: 0",
                "parallel: 5",
                "statement-timeout: 500ms",
                "statement-timeout: 8d"
            })
    void refusesACostOutsideTheLimits(String setting) {
        assertThat(problems(VALID + "reconcile: {" + setting + "}\n"))
                .singleElement()
                .asString()
                .contains("reconcile." + setting.substring(0, setting.indexOf(':')));
    }

    /// Otherwise every verdict would end when the schedule is edited.
    @Test
    void theScheduleIsNoPartOfTheHash() {
        assertThat(valid(VALID + "reconcile: {schedule: 1h}\n", Map.of()).hash())
                .isEqualTo(valid(VALID, Map.of()).hash());
    }
}
