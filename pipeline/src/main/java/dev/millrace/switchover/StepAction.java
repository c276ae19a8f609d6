package dev.millrace.switchover;

import dev.millrace.switchover.StreamProgress.Attempt;

/// What a step does on the servers. Both methods can be repeated, also by another process after
/// this one was killed in the middle, and then have the same effect as one complete call. Called by
/// the operation's thread only. A [RuntimeException] of either method means that its effect is
/// unknown.
interface StepAction {

    StepOutcome perform(Attempt attempt) throws InterruptedException;

    /// Undoes the step, whether it was performed in whole, in part or not at all.
    void undo(Attempt attempt) throws InterruptedException;

    /// The result of a step.
    sealed interface StepOutcome {

        /// @param note what was done, for the report; may be empty
        record Done(String note) implements StepOutcome {}

        /// The step had no effect that its undo does not revert.
        ///
        /// @param reason what prevents it and what to do
        record Failed(String reason) implements StepOutcome {}

        /// Nobody but a person can tell whether the step had its effect.
        ///
        /// @param question the exact question for that person
        record Unknown(String question) implements StepOutcome {}
    }

    /// An undo could not be completed and has to be repeated. The message is for the operator.
    final class UndoFailed extends RuntimeException {

        private static final long serialVersionUID = 1L;

        UndoFailed(String message) {
            super(message);
        }
    }
}
