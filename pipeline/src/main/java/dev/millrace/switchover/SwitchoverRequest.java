package dev.millrace.switchover;

import dev.millrace.switchover.Operation.Kind;
import java.util.Optional;
import java.util.Set;

/// What an operator asks for. Immutable.
///
/// @param kind the direction
/// @param action what to do
/// @param forced gates that may be closed if they can be forced; needs a reason
/// @param reason why, for the journal; may be empty
/// @param who the operator, as the journal names them; empty if nobody is named
/// @param expectedPhase the phase in which this may be done; empty for every phase
/// @param requestKey the client's idempotency key
public record SwitchoverRequest(
        Kind kind,
        Action action,
        Set<String> forced,
        String reason,
        Optional<String> who,
        Optional<String> expectedPhase,
        Optional<String> requestKey) {

    /// What to do.
    public enum Action {
        /// Shows gates and steps, changes nothing.
        DRY_RUN,
        MOVE,
        /// Goes back while that is possible.
        CANCEL
    }

    public SwitchoverRequest {
        forced = Set.copyOf(forced);
    }

    /// The same request with another action.
    public SwitchoverRequest as(Action other) {
        return new SwitchoverRequest(kind, other, forced, reason, who, expectedPhase, requestKey);
    }
}
