package dev.millrace.rejected;

import java.util.Optional;

/// An operator wants a stopped table to continue. Immutable.
///
/// @param table the target table as `schema.name`
/// @param acceptSchema the operator accepts the definition that the source table has now
/// @param reason why, for the journal
/// @param who the operator, as the journal names them; empty for the service's own name
/// @param expectedPhase name of the phase in which the change may be made; empty for every phase
/// @param dryRun checks the change and makes none
public record TableChange(
        String table,
        boolean acceptSchema,
        String reason,
        Optional<String> who,
        Optional<String> expectedPhase,
        boolean dryRun) {}
