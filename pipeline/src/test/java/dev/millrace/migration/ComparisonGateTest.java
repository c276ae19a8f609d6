package dev.millrace.migration;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.capture.CaptureState;
import dev.millrace.lifecycle.Failure;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class ComparisonGateTest {

    private static final Instant NOON = Instant.parse("2026-01-02T12:00:00Z");
    private static final StatusReport.Part PART =
            new StatusReport.Part("capture", "waiting: the source is away", false, NOON);

    private static Optional<String> refusal(Phase phase, CaptureState state) {
        return ComparisonGate.refusal(phase, state, null, PART);
    }

    @Test
    void refusesAFailedMigrationWithItsCause() {
        Phase failed = new Phase.Failed("the slot is gone", new Phase.InSync());

        assertThat(refusal(failed, new CaptureState.Streaming(NOON)).orElseThrow())
                .contains("failed: the slot is gone");
        assertThat(ComparisonGate.hopeless(failed, new CaptureState.Streaming(NOON), PART))
                .isPresent();
    }

    @Test
    void refusesAnIncompleteSnapshot() {
        for (Phase phase : List.of(new Phase.Planned(), new Phase.Backfilling())) {
            assertThat(refusal(phase, new CaptureState.Streaming(NOON)).orElseThrow())
                    .contains("snapshot", "not complete", "CATCHING_UP");
        }
    }

    @Test
    void refusesACaptureThatDoesNotRunWithItsReason() {
        for (CaptureState state :
                List.of(
                        new CaptureState.Waiting(new Failure.Retry("the source is away"), NOON),
                        new CaptureState.SourceLost("gone", NOON),
                        new CaptureState.Failed("odd", NOON),
                        new CaptureState.SnapshotInterrupted("cut", NOON),
                        new CaptureState.Snapshotting(NOON),
                        new CaptureState.Stopped(NOON))) {
            assertThat(refusal(new Phase.CatchingUp(), state).orElseThrow())
                    .contains("not running: waiting: the source is away");
        }
    }

    @Test
    void acceptsACaptureThatRunsOrStarts() {
        assertThat(refusal(new Phase.InSync(), new CaptureState.Streaming(NOON))).isEmpty();
        assertThat(
                        refusal(
                                new Phase.CatchingUp(),
                                new CaptureState.Starting(Optional.empty(), NOON)))
                .isEmpty();
    }

    @Test
    void endsTheWaitOnlyWhenNothingCanArrive() {
        Phase phase = new Phase.CatchingUp();

        assertThat(
                        ComparisonGate.hopeless(
                                phase,
                                new CaptureState.Waiting(new Failure.Retry("a moment"), NOON),
                                PART))
                .isEmpty();
        assertThat(ComparisonGate.hopeless(phase, new CaptureState.SourceLost("gone", NOON), PART))
                .isPresent();
    }
}
