package dev.millrace.flow;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.control.flow.FlowStore.Hold;
import dev.millrace.flow.ConditionState.Change;
import dev.millrace.flow.LiveMetrics.Sample;
import dev.millrace.postgres.load.LoadReader.Reading;
import dev.millrace.spec.flow.StopCondition;
import dev.millrace.spec.flow.StopCondition.Consequence;
import dev.millrace.spec.flow.StopCondition.Measure;
import dev.millrace.spec.flow.StopCondition.Metric;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/// When a stop condition begins and ends.
class ConditionStateTest {

    private static final Instant START = Instant.parse("2026-03-01T10:00:00Z");
    private static final Duration SUSTAINED = Duration.ofSeconds(5);

    private final ConditionState state = state(Consequence.PAUSE, Optional.empty());
    private Instant now = START;

    private static ConditionState state(Consequence then, Optional<Hold> stored) {
        return new ConditionState(
                new StopCondition(
                        "waits",
                        new Measure.BuiltIn(Metric.TARGET_LOCK_WAITS),
                        10,
                        SUSTAINED,
                        then),
                stored);
    }

    /// One value each second; the last change.
    private Optional<Change> see(double... values) {
        Optional<Change> change = Optional.empty();
        for (double value : values) {
            change = see(new Reading.Known(value));
        }
        return change;
    }

    private Optional<Change> see(Reading reading) {
        Optional<Change> change = state.observe(new Sample(reading, now), now);
        now = now.plusSeconds(1);
        change.ifPresent(
                made -> {
                    switch (made) {
                        case Change.Begun(Hold hold) -> state.begun(hold);
                        case Change.Slowed _ -> {}
                        case Change.Ended _ -> state.ended();
                    }
                });
        return change;
    }

    private Optional<Change> seeUnknown(long seconds) {
        Optional<Change> change = Optional.empty();
        for (long second = 0; second < seconds; second++) {
            change = see(new Reading.Unknown("the server is away"));
        }
        return change;
    }

    private static List<String> reasons(Measure measure) {
        ConditionState of =
                new ConditionState(
                        new StopCondition("api", measure, 0, SUSTAINED, Consequence.PAUSE),
                        Optional.empty());
        List<String> reasons = new ArrayList<>();
        for (double value : new double[] {1, 0}) {
            Instant at = START.plusSeconds(reasons.size() * 60L);
            read(of, value, at);
            switch (read(of, value, at.plus(SUSTAINED)).orElseThrow()) {
                case Change.Begun(Hold hold) -> {
                    of.begun(hold);
                    reasons.add(hold.reason());
                }
                case Change.Ended(String reason) -> reasons.add(reason);
                case Change.Slowed slowed -> throw new AssertionError(slowed);
            }
        }
        return reasons;
    }

    @Test
    void aCheckAndATimeWindowAreSaidInWords() {
        assertThat(reasons(Measure.Window.of("22:00-06:00").orElseThrow()))
                .containsExactly(
                        "the time has been within 22:00-06:00 UTC for 5 s",
                        "the time has been outside 22:00-06:00 UTC for 5 s");
        assertThat(reasons(new Measure.HttpCheck("http://localhost/ok")))
                .containsExactly("check api has failed for 5 s", "check api has succeeded for 5 s");
    }

    /// What the condition makes of a reading of this moment.
    private static Optional<Change> read(ConditionState of, double value, Instant at) {
        return of.observe(new Sample(new Reading.Known(value), at), at);
    }

    /// What it makes of the same reading later.
    private Optional<Change> seeAgain(double value, Instant at, Duration later) {
        return state.observe(new Sample(new Reading.Known(value), at), at.plus(later));
    }

    /// The evaluation comes after the reading, and another reading may not have come yet.
    @Test
    void theTimeAboveTheLimitCountsFromTheReading() {
        assertThat(seeAgain(11, START, Duration.ofMillis(900))).isEmpty();
        assertThat(state.report().aboveSince()).isEqualTo(START);
        assertThat(seeAgain(11, START, SUSTAINED.minusMillis(1))).isEmpty();

        assertThat(seeAgain(11, START, SUSTAINED))
                .contains(
                        new Change.Begun(
                                new Hold(
                                        "target.lock-waits is 11, above 10 for 5 s",
                                        START.plus(SUSTAINED))));
        assertThat(state.report().aboveSince()).isEqualTo(START);
    }

    /// One low reading says nothing about the time after it.
    @Test
    void theEndNeedsAReadingThatIsAsMuchLater() {
        see(11, 11, 11, 11, 11, 11);

        assertThat(seeAgain(1, now, SUSTAINED.plusSeconds(1))).isEmpty();
        assertThat(state.report().aboveSince()).isNull();
        assertThat(seeAgain(1, now.plus(SUSTAINED), Duration.ZERO))
                .containsInstanceOf(Change.Ended.class);
    }

    @Test
    void beginsWhenTheValueWasAboveForTheTime() {
        assertThat(see(11, 11, 11, 11, 11)).isEmpty();

        assertThat(see(12))
                .contains(
                        new Change.Begun(
                                new Hold(
                                        "target.lock-waits is 12, above 10 for 5 s",
                                        START.plusSeconds(5))));
        assertThat(state.report().state()).isEqualTo("held");
        assertThat(state.report().share()).isEqualTo(1.2);
    }

    @Test
    void theLimitItselfIsNotAbove() {
        assertThat(see(10, 10, 10, 10, 10, 10, 10)).isEmpty();
        assertThat(state.report().state()).isEqualTo("below");
    }

    @Test
    void aLowValueInBetweenBeginsTheTimeAgain() {
        assertThat(see(11, 11, 11, 11, 10, 11, 11, 11, 11, 11)).isEmpty();
        assertThat(see(11)).isPresent();
    }

    @Test
    void endsWhenTheValueWasLowForTheTime() {
        see(11, 11, 11, 11, 11, 11);

        assertThat(see(8, 8, 8, 8, 8)).isEmpty();
        assertThat(see(8)).containsInstanceOf(Change.Ended.class);
        assertThat(state.report().state()).isEqualTo("below");
    }

    /// Between 80 % and the limit it neither begins nor ends, so the flow does not flap.
    @Test
    void aValueJustBelowTheLimitEndsNothing() {
        see(11, 11, 11, 11, 11, 11);

        assertThat(see(9, 9, 9, 9, 9, 9, 9, 9)).isEmpty();
        assertThat(see(7, 7, 7, 9, 7, 7, 7, 7, 7)).isEmpty();
        assertThat(state.hold()).isPresent();
    }

    /// A server that is too busy to answer is no better for it.
    @Test
    void anUnknownValueDoesNotBeginTheTimeAgain() {
        see(11, 11, 11, 11);
        seeUnknown(1);
        assertThat(state.report().state()).isEqualTo("unknown");
        assertThat(state.report().since()).isEqualTo(START.plusSeconds(4));

        assertThat(see(12))
                .contains(
                        new Change.Begun(
                                new Hold(
                                        "target.lock-waits is 12, above 10 for 5 s",
                                        START.plusSeconds(5))));
    }

    @Test
    void anUnknownValueEndsNothing() {
        see(11, 11, 11, 11, 11, 11);
        see(7, 7, 7, 7, 7);
        seeUnknown(1);

        assertThat(see(7, 7, 7, 7, 7)).isEmpty();
        assertThat(see(7)).containsInstanceOf(Change.Ended.class);
    }

    /// What cannot be measured may be above its limit.
    @Test
    void aValueThatStaysUnknownHoldsToo() {
        see(1);

        assertThat(seeUnknown(30)).isEmpty();
        assertThat(state.report().state()).isEqualTo("unknown");
        assertThat(state.report().value()).isNull();
        assertThat(seeUnknown(1))
                .contains(
                        new Change.Begun(
                                new Hold(
                                        "target.lock-waits is unknown for 30 s: the server is away",
                                        START.plusSeconds(31))));
        assertThat(see(1, 1, 1, 1, 1)).isEmpty();
        assertThat(see(1)).containsInstanceOf(Change.Ended.class);
    }

    /// A share of the time: it halves for each time above the limit, and doubles for each time at
    /// or below 80 % of it.
    @Test
    void slowsStepByStepAndRecoversInTheSameWay() {
        ConditionState slowing = state(Consequence.SLOW, Optional.empty());
        assertThat(sharesOf(slowing, 12, 6)).containsExactly(1.0, 1.0, 1.0, 1.0, 1.0, 0.5);
        assertThat(slowing.report().speed()).isEqualTo(0.5);
        assertThat(sharesOf(slowing, 12, 10))
                .containsExactly(0.5, 0.5, 0.5, 0.5, 0.25, 0.25, 0.25, 0.25, 0.25, 0.125);
        assertThat(sharesOf(slowing, 12, 20)).endsWith(ConditionState.LEAST_SHARE);

        assertThat(sharesOf(slowing, 9, 20)).containsOnly(ConditionState.LEAST_SHARE);
        assertThat(sharesOf(slowing, 8, 6)).endsWith(0.0625, 0.125);
        assertThat(sharesOf(slowing, 8, 15)).endsWith(0.5, 1.0);
        assertThat(slowing.hold()).isEmpty();
        assertThat(slowing.report().speed()).isNull();
    }

    /// A source that was restarted must keep its slot.
    @ParameterizedTest
    @EnumSource(
            value = Consequence.class,
            names = {"ROLLBACK", "DROP_SLOT"})
    void whatCannotBeTakenBackNeedsAKnownValue(Consequence then) {
        ConditionState last = state(then, Optional.empty());
        observe(last, new Reading.Known(11));
        for (int second = 0; second < 60; second++) {
            observe(last, new Reading.Unknown("the server is away"));
        }

        assertThat(last.hold()).isEmpty();
        assertThat(last.report().state()).isEqualTo("unknown");
        sharesOf(last, 11, 1);
        assertThat(last.hold()).isPresent();
    }

    @Test
    void anUnknownValueSlowsAndDoesNotRecover() {
        ConditionState slowing = state(Consequence.SLOW_BACKFILL, Optional.empty());
        for (int second = 0; second < 60; second++) {
            observe(slowing, new Reading.Unknown("the server is away"));
        }

        assertThat(slowing.share()).isEqualTo(0.5);
    }

    private List<Double> sharesOf(ConditionState of, double value, int seconds) {
        List<Double> shares = new ArrayList<>();
        for (int second = 0; second < seconds; second++) {
            observe(of, new Reading.Known(value));
            shares.add(of.share());
        }
        return shares;
    }

    private void observe(ConditionState of, Reading reading) {
        of.observe(new Sample(reading, now), now)
                .ifPresent(
                        change -> {
                            switch (change) {
                                case Change.Begun(Hold hold) -> of.begun(hold);
                                case Change.Slowed _ -> {}
                                case Change.Ended _ -> of.ended();
                            }
                        });
        now = now.plusSeconds(1);
    }

    @Test
    void continuesWithWhatWasHeldBeforeARestart() {
        Hold before = new Hold("target.lock-waits is 12, above 10 for 5 s", START.minusSeconds(60));
        ConditionState restarted = state(Consequence.PAUSE, Optional.of(before));

        assertThat(restarted.hold()).contains(before);
        assertThat(read(restarted, 1, START)).isEmpty();
        assertThat(read(restarted, 1, START.plus(SUSTAINED)))
                .containsInstanceOf(Change.Ended.class);
    }

    /// A hold that is not possible in the phase is asked for again.
    @Test
    void asksAgainUntilItIsHeld() {
        for (int second = 0; second < 6; second++) {
            read(state, 11, START.plusSeconds(second));
        }

        assertThat(read(state, 11, START.plusSeconds(6))).containsInstanceOf(Change.Begun.class);
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void anUnknownValueClosesTheGateOfTheSwitchoverAtOnce(boolean blocks) {
        ConditionState condition =
                state(
                        blocks ? Consequence.BLOCK_SWITCHOVER : Consequence.PAUSE_BACKFILL,
                        Optional.empty());
        condition.observe(new Sample(new Reading.Unknown("the server is away"), START), START);

        assertThat(condition.blocksSwitchover().isPresent()).isEqualTo(blocks);
        read(condition, 11, START);
        assertThat(condition.blocksSwitchover()).isEmpty();
    }
}
