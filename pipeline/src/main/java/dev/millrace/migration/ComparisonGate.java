package dev.millrace.migration;

import dev.millrace.capture.CaptureState;
import dev.millrace.capture.position.SourcePosition;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// Decides whether a comparison can reach a verdict. Pure.
final class ComparisonGate {

    private static final String WAIT = "Wait until 'millrace status' shows CATCHING_UP or IN_SYNC";

    private ComparisonGate() {}

    /// Why none may begin; empty when one may.
    ///
    /// @param capture how `status` describes the capture
    static Optional<String> refusal(
            Phase phase,
            CaptureState state,
            @Nullable SourcePosition position,
            StatusReport.Part capture) {
        return switch (phase) {
            case Phase.Failed(String cause, Phase _) ->
                    Optional.of(
                            "The migration failed: "
                                    + cause
                                    + ". Nothing can be compared until that is resolved");
            case Phase.Planned _, Phase.Backfilling _ ->
                    Optional.of("The snapshot of the source is not complete. " + WAIT);
            case Phase.CatchingUp _, Phase.InSync _ -> refusal(state, position, capture);
        };
    }

    private static Optional<String> refusal(
            CaptureState state, @Nullable SourcePosition position, StatusReport.Part capture) {
        if (position != null && !position.streaming()) {
            return Optional.of("The snapshot of the source is not complete. " + WAIT);
        }
        return state instanceof CaptureState.Starting || state instanceof CaptureState.Streaming
                ? Optional.empty()
                : Optional.of("The capture is not running: " + capture.state());
    }

    /// Why one that waits for the target may stop waiting. A capture that tries again may succeed.
    static Optional<String> hopeless(Phase phase, CaptureState state, StatusReport.Part capture) {
        if (phase instanceof Phase.Failed(String cause, Phase _)) {
            return Optional.of("the migration failed: " + cause);
        }
        boolean mayArrive =
                state instanceof CaptureState.Starting
                        || state instanceof CaptureState.Streaming
                        || state instanceof CaptureState.Waiting;
        return mayArrive ? Optional.empty() : Optional.of("the capture: " + capture.state());
    }
}
