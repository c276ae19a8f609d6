package dev.millrace.faults.harness;

/// What a run found wrong.
///
/// @param what the keys, positions or values
record Violation(Kind kind, String what) {

    enum Kind {
        /// The source has a row that the target lacks.
        LOST,

        /// The target has a row that the source lacks.
        RESURRECTED,

        /// The target's row is not the source's.
        STALE,

        /// A version on the target became smaller.
        OVERWRITTEN_BY_OLDER,

        /// The log contains a change twice.
        DUPLICATE_IN_LOG,

        /// The sum of all accounts is not what it was at first.
        MONEY,

        /// The source may forget what the log does not contain.
        ACKNOWLEDGED_TOO_EARLY,

        /// A statement of the application failed.
        SOURCE_DISTURBED,

        /// The comparison of the product says equal although the sides differ, or the reverse.
        WRONG_VERDICT,

        /// The migration ended or made no progress.
        STOPPED;

        /// Whether the sides differ.
        boolean isDifference() {
            return switch (this) {
                case LOST, RESURRECTED, STALE, MONEY -> true;
                case OVERWRITTEN_BY_OLDER,
                        DUPLICATE_IN_LOG,
                        ACKNOWLEDGED_TOO_EARLY,
                        SOURCE_DISTURBED,
                        WRONG_VERDICT,
                        STOPPED ->
                        false;
            };
        }
    }

    @Override
    public String toString() {
        return kind + ": " + what;
    }
}
