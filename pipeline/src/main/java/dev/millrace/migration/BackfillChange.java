package dev.millrace.migration;

import java.util.Optional;
import java.util.OptionalLong;

/// What an operator changes about the backfill. Immutable.
///
/// @param reason why, for the journal; empty if none is given
/// @param who the operator, as the client names it; empty for the service's own name
/// @param expectedPhase name of the phase in which the change may be made; empty for every phase
/// @param dryRun checks the change and makes none
public record BackfillChange(
        Action action,
        String reason,
        Optional<String> who,
        Optional<String> expectedPhase,
        boolean dryRun) {

    /// What to change.
    public sealed interface Action {

        /// The name in the API and in the journal.
        String kind();

        record Pause() implements Action {
            @Override
            public String kind() {
                return "pause";
            }
        }

        record Resume() implements Action {
            @Override
            public String kind() {
                return "resume";
            }
        }

        /// @param rowsPerSecond at least 1, for all tables together; empty for no limit
        record Throttle(OptionalLong rowsPerSecond) implements Action {
            @Override
            public String kind() {
                return "throttle";
            }
        }
    }

    /// @param text what was done, or would be done, for the operator
    /// @param backfill the setting with this change; after a dry run it is not in force
    public record Outcome(String text, StatusReport.Flow backfill) {}
}
