package dev.millrace.verdict;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.spec.reconcile.ReconcileSetting;
import dev.millrace.spec.reconcile.Schedule;
import dev.millrace.verdict.Reconciliations.Method;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.junit.jupiter.api.Test;

class ReconciliationScheduleTest {

    private static final Instant NOON = Instant.parse("2026-01-02T12:00:00Z");
    private static final Schedule HOURLY = new Schedule.Every(Duration.ofHours(1));
    private static final Schedule NIGHTLY = Schedule.Cron.parse("15 3 * * *").orElseThrow();

    private Instant now = NOON;
    private boolean ready = true;
    private final Sides sides = new Sides();

    /// A reconciliation runs until the test ends it.
    private final class Sides implements ReconciliationSchedule.Sides {

        private final List<Instant> requests = new ArrayList<>();
        private final List<Method> methods = new ArrayList<>();
        private Optional<Instant> lastBegan = Optional.empty();
        private Optional<Instant> lastIncremental = Optional.empty();
        private boolean busy;
        private boolean interrupted;

        @Override
        public boolean isBusy() {
            return busy;
        }

        @Override
        public Optional<Instant> lastBegan(Method method) {
            return switch (method) {
                case ALL_ROWS -> lastBegan;
                case TOUCHED_KEYS -> lastIncremental.or(() -> lastBegan);
            };
        }

        @Override
        public void continueInterrupted() {
            busy |= interrupted;
            interrupted = false;
        }

        @Override
        public UUID request(List<String> targets, Method method) {
            assertThat(targets).as("all tables").isEmpty();
            requests.add(now);
            methods.add(method);
            busy = true;
            return UUID.randomUUID();
        }
    }

    private ReconciliationSchedule schedule(Schedule schedule) {
        return schedule(schedule, Schedule.NEVER);
    }

    private ReconciliationSchedule schedule(Schedule schedule, Schedule incremental) {
        return new ReconciliationSchedule(
                new ReconcileSetting(schedule, incremental, ReconcileSetting.Load.DEFAULT, false),
                () -> ready ? Optional.of(sides) : Optional.empty(),
                () -> now);
    }

    private void finish() {
        Optional<Instant> began = Optional.of(sides.requests.getLast());
        switch (sides.methods.getLast()) {
            case ALL_ROWS -> {
                sides.lastBegan = began;
                sides.lastIncremental = began;
            }
            case TOUCHED_KEYS -> sides.lastIncremental = began;
        }
        sides.busy = false;
    }

    @Test
    void requestsNothingWithoutASchedule() {
        try (ReconciliationSchedule schedule = schedule(Schedule.NEVER)) {
            schedule.check();
        }

        assertThat(sides.requests).isEmpty();
    }

    @Test
    void comparesAtOnceAndThenWithTheIntervalBetweenTwoBeginnings() {
        try (ReconciliationSchedule schedule = schedule(HOURLY)) {
            schedule.check();
            finish();
            now = NOON.plus(Duration.ofMinutes(59));
            schedule.check();
            now = NOON.plus(Duration.ofMinutes(60));
            schedule.check();
        }

        assertThat(sides.requests).containsExactly(NOON, now);
    }

    @Test
    void countsFromTheLastOneBeforeARestart() {
        sides.lastBegan = Optional.of(NOON.minus(Duration.ofMinutes(20)));
        try (ReconciliationSchedule schedule = schedule(HOURLY)) {
            schedule.check();
            assertThat(sides.requests).isEmpty();
            now = NOON.plus(Duration.ofMinutes(40));
            schedule.check();
        }

        assertThat(sides.requests).containsExactly(now);
    }

    @Test
    void waitsUntilBothSidesCanBeComparedAndNothingRuns() {
        try (ReconciliationSchedule schedule = schedule(HOURLY)) {
            ready = false;
            schedule.check();
            ready = true;
            sides.busy = true;
            schedule.check();
            assertThat(sides.requests).isEmpty();
            sides.busy = false;
            schedule.check();
        }

        assertThat(sides.requests).hasSize(1);
    }

    /// One that failed leaves no report, and one without a verdict must not be repeated at once.
    @Test
    void repeatsAFailedOneAfterTheInterval() {
        try (ReconciliationSchedule schedule = schedule(HOURLY)) {
            schedule.check();
            sides.busy = false;
            now = NOON.plus(Duration.ofMinutes(59));
            schedule.check();
            assertThat(sides.requests).hasSize(1);
            now = NOON.plus(Duration.ofMinutes(60));
            schedule.check();
        }

        assertThat(sides.requests).hasSize(2);
    }

    @Test
    void continuesAnInterruptedOneBeforeItBeginsAnother() {
        sides.interrupted = true;
        try (ReconciliationSchedule schedule = schedule(HOURLY)) {
            schedule.check();
            assertThat(sides.busy).isTrue();
            assertThat(sides.requests).isEmpty();
        }
    }

    @Test
    void continuesAnInterruptedOneWithoutASchedule() {
        sides.interrupted = true;
        try (ReconciliationSchedule schedule = schedule(Schedule.NEVER)) {
            schedule.check();
        }

        assertThat(sides.busy).isTrue();
    }

    @Test
    void aCalendarCountsFromTheStartAndMakesUpForWhatWasMissed() {
        try (ReconciliationSchedule schedule = schedule(NIGHTLY)) {
            schedule.check();
            assertThat(sides.requests).isEmpty();
            now = Instant.parse("2026-01-03T03:15:00Z");
            schedule.check();
            finish();
            now = Instant.parse("2026-01-03T23:00:00Z");
            schedule.check();
            assertThat(sides.requests).hasSize(1);
            ready = false;
            now = Instant.parse("2026-01-04T03:15:00Z");
            schedule.check();
            ready = true;
            now = Instant.parse("2026-01-04T05:00:00Z");
            schedule.check();
        }

        assertThat(sides.requests).hasSize(2);
    }

    @Test
    void comparesTouchedKeysBetweenTwoComparisonsOfAllRows() {
        Schedule halfHourly = new Schedule.Every(Duration.ofMinutes(30));
        try (ReconciliationSchedule schedule = schedule(HOURLY, halfHourly)) {
            for (int minute = 0; minute <= 90; minute += 10) {
                now = NOON.plus(Duration.ofMinutes(minute));
                schedule.check();
                if (sides.busy) {
                    finish();
                }
            }
        }

        assertThat(sides.methods)
                .containsExactly(
                        Method.ALL_ROWS, Method.TOUCHED_KEYS, Method.ALL_ROWS, Method.TOUCHED_KEYS);
    }
}
