package dev.millrace.rejected;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/// What an operator wants to do with keys whose changes wait. Immutable.
///
/// @param ids of the keys; empty for all of them, which only a retry may ask for
/// @param reason why, for the journal; a skip needs one
/// @param who the operator, as the journal names them; empty for the service's own name
/// @param expectedPhase name of the phase in which the change may be made; empty for every phase
/// @param dryRun checks the change and makes none
public record RejectedChange(
        Action action,
        Set<Long> ids,
        String reason,
        Optional<String> who,
        Optional<String> expectedPhase,
        boolean dryRun) {

    public RejectedChange {
        ids = Set.copyOf(ids);
    }

    public enum Action {
        RETRY,
        SKIP;

        /// The word in the API and in the journal.
        public String word() {
            return switch (this) {
                case RETRY -> "retry";
                case SKIP -> "skip";
            };
        }
    }

    /// @param text what was done, or would be done, for the operator
    /// @param done ids of the keys that were applied or skipped; after a dry run those that would
    ///   be tried
    /// @param refused why other keys wait on, by their ids
    public record Outcome(String text, List<Long> done, Map<Long, String> refused) {

        public Outcome {
            done = List.copyOf(done);
            refused = Map.copyOf(refused);
        }
    }
}
