package dev.millrace.ending;

import dev.millrace.replication.RefusedException;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;

/// Ends a migration; the interface of HTTP. Thread-safe.
public interface MigrationEnd {

    /// Writes the archive and begins to remove what the migration has created. From the archive on,
    /// the migration only ends: also the next process continues with that.
    ///
    /// @throws RefusedException if the phase or a gate does not permit it; nothing was changed
    Ending end(EndRequest request);

    /// The operation with this id that ends, or has ended, the migration.
    Optional<Ending> ending(UUID id);

    /// What an operator asks for to end a migration. Immutable.
    ///
    /// @param dryRun show gates and what would be removed, change nothing
    /// @param forced gates that may be closed if they can be forced; needs a reason
    /// @param reason why, for the journal; may be empty
    /// @param who the operator, as the journal names them; empty if nobody is named
    /// @param expectedPhase the phase in which this may be done; empty for every phase
    /// @param renameOld suffix that the old source tables get in the end; only to complete
    /// @param requestKey the client's idempotency key
    record EndRequest(
            Ending.Kind kind,
            boolean dryRun,
            Set<String> forced,
            String reason,
            Optional<String> who,
            Optional<String> expectedPhase,
            Optional<String> renameOld,
            Optional<String> requestKey) {

        public EndRequest {
            forced = Set.copyOf(forced);
        }
    }
}
