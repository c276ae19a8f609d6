package dev.millrace.replication;

import java.util.Optional;

/// The migration may not start, continue or be compared. The message says why and what to do.
/// Nothing was changed.
public final class RefusedException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    public RefusedException(String message) {
        super(message);
    }

    /// Refuses a request that may begin only in another phase.
    ///
    /// @param phase the name of the migration's phase
    /// @param expected the name of the phase that the request expects; empty for every phase
    public static void ifWrongPhase(String phase, Optional<String> expected) {
        if (expected.filter(name -> !name.equals(phase)).isPresent()) {
            throw new RefusedException(
                    "The migration is in the phase %s, not in %s. Check 'millrace status', then run the command again without an expected phase or with this one"
                            .formatted(phase, expected.get()));
        }
    }
}
