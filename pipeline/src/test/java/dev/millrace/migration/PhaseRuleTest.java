package dev.millrace.migration;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.migration.Phase.Traffic;
import dev.millrace.migration.PhaseRule.Transition;
import dev.millrace.switchover.Operation.Kind;
import dev.millrace.switchover.Operation.State;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

class PhaseRuleTest {

    private static final Phase SYNC = new Phase.InSync();
    private static final Phase BEHIND = new Phase.CatchingUp();
    private static final Transition STAY_BEHIND = new Transition.Stay(BEHIND);
    private static final Transition FALL_BEHIND = new Transition.AtOnce(BEHIND);

    private static PhaseRule.Facts facts(Optional<Integer> lagSeconds, boolean componentsWell) {
        return new PhaseRule.Facts(
                true,
                Optional.empty(),
                lagSeconds.map(Duration::ofSeconds),
                componentsWell,
                Optional.empty(),
                Traffic.ON_SOURCE);
    }

    private static PhaseRule.Facts incomplete(boolean backfilled, int seconds) {
        return new PhaseRule.Facts(
                backfilled,
                Optional.of(Duration.ofSeconds(seconds)),
                Optional.of(Duration.ZERO),
                true,
                Optional.empty(),
                Traffic.ON_SOURCE);
    }

    private static List<PhaseRule.Facts> allFacts() {
        List<Optional<Duration>> times = new ArrayList<>(List.of(Optional.empty()));
        for (int seconds : new int[] {0, 4, 5, 14, 15}) {
            times.add(Optional.of(Duration.ofSeconds(seconds)));
        }
        List<PhaseRule.Facts> all = new ArrayList<>();
        for (Traffic traffic : Traffic.values()) {
            for (Optional<Duration> incomplete : times) {
                for (Optional<Duration> lag : times) {
                    for (int bits = 0; bits < 8; bits++) {
                        all.add(
                                new PhaseRule.Facts(
                                        (bits & 1) != 0,
                                        incomplete,
                                        lag,
                                        (bits & 2) != 0,
                                        (bits & 4) == 0 ? Optional.empty() : Optional.of("why"),
                                        traffic));
                    }
                }
            }
        }
        return all;
    }

    /// A phase that was entered may be left at once.
    @ParameterizedTest
    @MethodSource("phases")
    void withTheSameFactsThePhaseComesToAnEnd(Phase from) {
        for (PhaseRule.Facts facts : allFacts()) {
            Phase now = from;
            for (int i = 0; i < phases().size(); i++) {
                now = PhaseRule.next(now, facts).to();
            }
            assertThat(PhaseRule.next(now, facts).to()).as("%s", facts).isEqualTo(now);
        }
    }

    private static List<Phase> phases() {
        return List.of(
                new Phase.Planned(),
                new Phase.Backfilling(),
                BEHIND,
                SYNC,
                new Phase.SwitchingOver(),
                new Phase.Reversible(),
                new Phase.Unresolved(),
                SYNC.fail("earlier"));
    }

    @Test
    void theBackfillEndsWhenEveryRowIsCompleteInTheLog() {
        Phase backfilling = new Phase.Backfilling();

        assertThat(PhaseRule.next(backfilling, incomplete(true, 0)))
                .isEqualTo(new Transition.Stay(backfilling));
        assertThat(PhaseRule.next(backfilling, facts(Optional.of(0), true)))
                .isEqualTo(new Transition.AtOnce(BEHIND));
    }

    @Test
    void isNotInSyncWhileTheLogLacksCellsForLong() {
        assertThat(PhaseRule.next(BEHIND, incomplete(true, 0))).isEqualTo(STAY_BEHIND);
        assertThat(PhaseRule.next(SYNC, incomplete(true, 14))).isEqualTo(new Transition.Stay(SYNC));
        assertThat(PhaseRule.next(SYNC, incomplete(true, 15))).isEqualTo(FALL_BEHIND);
    }

    @Test
    void entersInSyncBelowOneLagAndLeavesItFromAnother() {
        assertThat(PhaseRule.next(BEHIND, facts(Optional.of(4), true)))
                .isEqualTo(new Transition.AfterJournal(SYNC));
        assertThat(PhaseRule.next(BEHIND, facts(Optional.of(5), true))).isEqualTo(STAY_BEHIND);
        assertThat(PhaseRule.next(SYNC, facts(Optional.of(14), true)))
                .isEqualTo(new Transition.Stay(SYNC));
        assertThat(PhaseRule.next(SYNC, facts(Optional.of(15), true))).isEqualTo(FALL_BEHIND);
    }

    @Test
    void treatsUnknownLagAsTooHigh() {
        assertThat(PhaseRule.next(BEHIND, facts(Optional.empty(), true))).isEqualTo(STAY_BEHIND);
        assertThat(PhaseRule.next(SYNC, facts(Optional.empty(), true))).isEqualTo(FALL_BEHIND);
    }

    @Test
    void isNotInSyncWhileAComponentIsNotWell() {
        assertThat(PhaseRule.next(BEHIND, facts(Optional.of(0), false))).isEqualTo(STAY_BEHIND);
        assertThat(PhaseRule.next(SYNC, facts(Optional.of(0), false))).isEqualTo(FALL_BEHIND);
    }

    @Test
    void showsAFailureAtOnceInEveryPhaseAndKeepsTheFirstCause() {
        for (Phase phase : List.of(new Phase.Planned(), new Phase.Backfilling(), BEHIND, SYNC)) {
            assertThat(PhaseRule.next(phase, failed("first")))
                    .isEqualTo(new Transition.AtOnce(new Phase.Failed("first", phase)));
        }
        Phase failed = SYNC.fail("first");

        assertThat(PhaseRule.next(failed, failed("second"))).isEqualTo(new Transition.Stay(failed));
    }

    @Test
    void journalsTheStartOfTheBackfillFirstAndShowsItsEndAtOnce() {
        Phase backfilling = new Phase.Backfilling();

        assertThat(PhaseRule.next(new Phase.Planned(), facts(Optional.empty(), false)))
                .isEqualTo(new Transition.AfterJournal(backfilling));
        assertThat(PhaseRule.next(backfilling, facts(Optional.empty(), false)))
                .isEqualTo(new Transition.AtOnce(BEHIND));
    }

    private static PhaseRule.Facts failed(String cause) {
        return new PhaseRule.Facts(
                true,
                Optional.empty(),
                Optional.of(Duration.ZERO),
                true,
                Optional.of(cause),
                Traffic.ON_SOURCE);
    }

    @Test
    void restartsAnInSyncMigrationAsCatchingUp() {
        assertThat(SYNC.afterRestart()).isEqualTo(BEHIND);
        assertThat(SYNC.fail("why").afterRestart()).isEqualTo(BEHIND);
        assertThat(new Phase.Backfilling().fail("why").afterRestart())
                .isEqualTo(new Phase.Backfilling());
    }

    private static Phase after(Phase now, Traffic traffic) {
        return PhaseRule.next(
                        now,
                        new PhaseRule.Facts(
                                true,
                                Optional.empty(),
                                Optional.of(Duration.ZERO),
                                true,
                                Optional.empty(),
                                traffic))
                .to();
    }

    @ParameterizedTest
    @CsvSource({
        "SWITCHOVER, RUNNING, MOVING",
        "SWITCHOVER, RETURNING, MOVING",
        "SWITCHOVER, UNRESOLVED, UNRESOLVED",
        "SWITCHOVER, DONE, ON_TARGET",
        "SWITCHOVER, RETURNED, ON_SOURCE",
        "ROLLBACK, RUNNING, MOVING",
        "ROLLBACK, RETURNING, MOVING",
        "ROLLBACK, UNRESOLVED, UNRESOLVED",
        "ROLLBACK, DONE, ON_SOURCE",
        "ROLLBACK, RETURNED, ON_TARGET"
    })
    void theTrafficIsWhereTheLastOperationLeftIt(Kind kind, State state, Traffic traffic) {
        assertThat(TrafficOperations.traffic(kind, state)).isEqualTo(traffic);
    }

    @Test
    void followsTheTraffic() {
        Phase moving = after(SYNC, Traffic.MOVING);
        Phase there = after(moving, Traffic.ON_TARGET);

        assertThat(moving).isEqualTo(new Phase.SwitchingOver());
        assertThat(after(moving, Traffic.UNRESOLVED)).isEqualTo(new Phase.Unresolved());
        assertThat(there).isEqualTo(new Phase.Reversible());
        assertThat(after(there, Traffic.ON_SOURCE)).isEqualTo(BEHIND);
        assertThat(after(moving, Traffic.ON_SOURCE)).isEqualTo(BEHIND);
    }

    @Test
    void aFailedComponentDoesNotHideWhereTheTrafficIs() {
        PhaseRule.Facts failed =
                new PhaseRule.Facts(
                        true,
                        Optional.empty(),
                        Optional.empty(),
                        false,
                        Optional.of("the slot is lost"),
                        Traffic.ON_TARGET);

        assertThat(PhaseRule.next(new Phase.Reversible(), failed).to())
                .isEqualTo(new Phase.Reversible());
    }

    @Test
    void aRestartKeepsAPhaseOfTheTraffic() {
        for (String name : List.of("SWITCHING_OVER", "REVERSIBLE", "UNRESOLVED")) {
            assertThat(Phase.of(name, "", "").afterRestart().name()).isEqualTo(name);
        }
    }
}
