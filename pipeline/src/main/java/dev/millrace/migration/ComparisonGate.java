package dev.millrace.migration;

import dev.millrace.lifecycle.ComponentState;
import dev.millrace.lifecycle.ComponentState.Activity;
import dev.millrace.stream.BackfillProgress;
import java.util.Optional;

/// Decides whether a reconciliation can reach a verdict. Pure.
final class ComparisonGate {

    private static final String WAIT = "Wait until 'millrace status' shows CATCHING_UP or IN_SYNC";

    private ComparisonGate() {}

    /// @param state of the capture of the database that the application writes to
    /// @param backfill of the same stream
    /// @param capture the state of the capture as `status` shows it
    /// @return why no reconciliation may begin; empty when one may
    static Optional<String> refusal(
            Phase phase,
            ComponentState state,
            Optional<BackfillProgress> backfill,
            StatusReport.Part capture) {
        return switch (phase) {
            case Phase.Failed(String cause, Phase _) ->
                    Optional.of(
                            "The migration failed: "
                                    + cause
                                    + ". Remove the cause, then reconcile.");
            case Phase.Planned _, Phase.Backfilling _ ->
                    Optional.of("The backfill is not complete. " + WAIT);
            case Phase.SwitchingOver _, Phase.Unresolved _ ->
                    Optional.of(
                            "The traffic is being moved, and the switchover compares both sides itself. Wait until it has ended");
            case Phase.CatchingUp _, Phase.InSync _, Phase.Reversible _ ->
                    refusal(state, backfill, capture);
        };
    }

    private static Optional<String> refusal(
            ComponentState state, Optional<BackfillProgress> backfill, StatusReport.Part capture) {
        if (backfill.filter(read -> !read.isComplete()).isPresent()) {
            return Optional.of("The backfill is not complete. " + WAIT);
        }
        return state instanceof ComponentState.Starting || state.isRunning(Activity.STREAMING)
                ? Optional.empty()
                : Optional.of("The capture is not running: " + capture.state());
    }

    /// @return why a reconciliation need no longer wait for the target; empty while the target may
    ///   still catch up, which includes a capture that retries
    static Optional<String> hopeless(Phase phase, ComponentState state, StatusReport.Part capture) {
        if (phase instanceof Phase.Failed(String cause, Phase _)) {
            return Optional.of("the migration failed: " + cause);
        }
        boolean mayCatchUp =
                state instanceof ComponentState.Starting
                        || state instanceof ComponentState.Waiting
                        || state.isRunning(Activity.STREAMING);
        return mayCatchUp ? Optional.empty() : Optional.of("the capture: " + capture.state());
    }
}
