package dev.millrace.migration;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.change.TableId;
import dev.millrace.lifecycle.ComponentState;
import dev.millrace.lifecycle.ComponentState.Activity;
import dev.millrace.lifecycle.Failure;
import dev.millrace.stream.BackfillProgress;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class ComparisonGateTest {

    private static final Instant NOON = Instant.parse("2026-01-02T12:00:00Z");
    private static final ComponentState STREAMING =
            new ComponentState.Running(Activity.STREAMING, NOON);
    private static final StatusReport.Part PART =
            new StatusReport.Part("capture", "waiting: the source is away", false, NOON);

    private static Optional<String> refusal(Phase phase, ComponentState state) {
        return ComparisonGate.refusal(phase, state, Optional.empty(), PART);
    }

    @Test
    void refusesAFailedMigrationWithItsCause() {
        Phase failed = new Phase.Failed("the slot is gone", new Phase.InSync());

        assertThat(refusal(failed, STREAMING).orElseThrow()).contains("failed: the slot is gone");
        assertThat(ComparisonGate.hopeless(failed, STREAMING, PART)).isPresent();
    }

    @Test
    void refusesAnIncompleteBackfill() {
        for (Phase phase : List.of(new Phase.Planned(), new Phase.Backfilling())) {
            assertThat(refusal(phase, STREAMING).orElseThrow())
                    .contains("backfill", "not complete", "CATCHING_UP");
        }
    }

    @Test
    void refusesWhileTheTrafficIsMoved() {
        for (Phase phase : List.of(new Phase.SwitchingOver(), new Phase.Unresolved())) {
            assertThat(refusal(phase, STREAMING).orElseThrow()).contains("being moved");
        }
    }

    @Test
    void refusesAnIncompleteBackfillByWhatTheLogContains() {
        for (Phase phase :
                List.of(new Phase.CatchingUp(), new Phase.InSync(), new Phase.Reversible())) {
            assertThat(refusal(phase, backfill(false)).orElseThrow())
                    .contains("backfill", "not complete", "CATCHING_UP");
            assertThat(refusal(phase, backfill(true))).isEmpty();
        }
    }

    private static Optional<String> refusal(Phase phase, BackfillProgress backfill) {
        return ComparisonGate.refusal(phase, STREAMING, Optional.of(backfill), PART);
    }

    private static BackfillProgress backfill(boolean complete) {
        return new BackfillProgress(
                Map.of(
                        new TableId("public", "a"),
                        new BackfillProgress.Table(1, true),
                        new TableId("public", "b"),
                        new BackfillProgress.Table(1, complete)),
                0);
    }

    @Test
    void refusesACaptureThatDoesNotRunWithItsReason() {
        for (ComponentState state :
                List.of(
                        new ComponentState.Waiting("the source is away", NOON),
                        new ComponentState.Failed(new Failure.Lost("gone"), NOON),
                        new ComponentState.Failed(new Failure.Fatal("odd"), NOON),
                        new ComponentState.Failed(new Failure.SnapshotInterrupted("cut"), NOON),
                        new ComponentState.Running(Activity.SNAPSHOT, NOON),
                        new ComponentState.Stopped(NOON))) {
            assertThat(refusal(new Phase.CatchingUp(), state).orElseThrow())
                    .contains("not running: waiting: the source is away");
        }
    }

    @Test
    void acceptsACaptureThatRunsOrStarts() {
        assertThat(refusal(new Phase.InSync(), STREAMING)).isEmpty();
        assertThat(
                        refusal(
                                new Phase.CatchingUp(),
                                new ComponentState.Starting(Optional.empty(), NOON)))
                .isEmpty();
    }

    @Test
    void endsTheWaitOnlyWhenNothingCanArrive() {
        Phase phase = new Phase.CatchingUp();

        assertThat(
                        ComparisonGate.hopeless(
                                phase, new ComponentState.Waiting("a moment", NOON), PART))
                .isEmpty();
        assertThat(
                        ComparisonGate.hopeless(
                                phase,
                                new ComponentState.Failed(new Failure.Lost("gone"), NOON),
                                PART))
                .isPresent();
    }
}
