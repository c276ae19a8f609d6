package dev.millrace.switchover;

import dev.millrace.control.OperationStore.StoredStep;
import dev.millrace.control.OperationStore.Superseded;
import dev.millrace.lifecycle.Incident;
import dev.millrace.lifecycle.Reason;
import dev.millrace.switchover.Operation.Kind;
import dev.millrace.switchover.Operation.State;
import dev.millrace.switchover.OperationJournal.Mark;
import dev.millrace.switchover.StepAction.StepOutcome;
import dev.millrace.switchover.StreamProgress.Attempt;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Performs the steps of one operation in their order, or undoes them in reverse.
///
/// Invariant: a step has an effect only after it is in the journal, and a step after the point of
/// no return is performed only after the lease on the source was read as permanent. So whatever
/// ends this process, the next one finds in the journal which steps may have had an effect, and in
/// the lease which way is open: forward if it is permanent, otherwise back.
///
/// One thread runs the operation; [#cancel] and [#close] are thread-safe.
final class SwitchoverRun implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(SwitchoverRun.class);
    private static final String CANCELLED = "The operator cancelled the operation.";
    private static final Duration RETRY = Duration.ofMillis(200);

    /// The routing is repeated so often before a person has to judge it.
    private static final int ROUTE_ATTEMPTS = 3;

    /// The lease that closes the side which the application leaves. Every call is atomic, and
    /// throws a [RuntimeException] while the source does not answer. Thread-safe.
    interface ClosingLease {

        /// Whether the source is closed for good.
        boolean isPermanent();

        /// Opens the source unless it is closed for good. Afterwards nobody can make the lifted
        /// lease permanent.
        ///
        /// @return false if it is closed for good
        boolean lift();
    }

    /// @param timeout from [SwitchStep#HOLD] to the permanent lease; then the switchover goes back
    ///   by itself
    record Settings(
            Kind kind,
            Map<SwitchStep, StepAction> actions,
            ClosingLease lease,
            Duration timeout,
            InstantSource clock,
            SwitchStep.Trace trace) {

        Settings {
            actions = Map.copyOf(actions);
        }
    }

    private final Settings with;
    private final OperationJournal journal;
    private final OperationProgress progress;
    private final CountDownLatch closed = new CountDownLatch(1);
    private volatile boolean cancelled;
    private volatile boolean pastReturn;
    private Instant deadline = Instant.MAX;
    private @Nullable Instant pausedFrom;

    /// When the application could write again; later steps do not concern it.
    private @Nullable Instant pausedTo;

    SwitchoverRun(Settings with, OperationJournal journal) {
        this.with = with;
        this.journal = journal;
        this.progress = OperationProgress.of(journal.operation());
        this.pausedFrom = stored(SwitchStep.HOLD).map(StoredStep::startedAt).orElse(null);
        this.pausedTo =
                stored(SwitchStep.RELEASE)
                        .filter(_ -> journal.isDone(SwitchStep.RELEASE))
                        .flatMap(StoredStep::finishedAt)
                        .orElse(null);
    }

    private Optional<StoredStep> stored(SwitchStep step) {
        return journal.operation().steps().stream()
                .filter(known -> known.name().equals(step.id()))
                .findFirst();
    }

    OperationProgress progress() {
        return progress;
    }

    /// Performs the steps of a new operation.
    ///
    /// @throws InterruptedException after [#close]; the operation continues with the next process
    /// @throws Superseded when another process has run the migration since
    State start() throws InterruptedException {
        return forward();
    }

    /// Continues an operation after a restart: forward if the lease on the source is permanent,
    /// otherwise back.
    State resume() throws InterruptedException {
        State state = State.of(journal.operation().state());
        return switch (state) {
            case RUNNING, RETURNING ->
                    giveBack("The service was restarted before the fence was permanent.");
            case UNRESOLVED, DRY_RUN, DONE, RETURNED -> state;
        };
    }

    /// Continues an unresolved operation with the answer of a person.
    ///
    /// @param routed whether the routing had its effect; if not, it is performed again
    State resolve(boolean routed) throws InterruptedException {
        pastReturn = true;
        if (routed) {
            journal.note(
                    SwitchStep.ROUTE,
                    Mark.DONE,
                    "The operator answered that the application was routed.");
        }
        enter(State.RUNNING, Optional.empty());
        return forward();
    }

    /// Asks the operation to go back.
    ///
    /// @return false if it is too late: the lease is permanent, or may be
    synchronized boolean cancel() {
        cancelled |= !pastReturn;
        return !pastReturn;
    }

    /// @return false if the operator cancelled the switchover in the meantime
    private synchronized boolean passReturn() {
        pastReturn = !cancelled;
        return pastReturn;
    }

    private State forward() throws InterruptedException {
        for (SwitchStep step : SwitchStep.of(with.kind())) {
            if (journal.isDone(step)) {
                continue;
            }
            if (step == SwitchStep.HOLD) {
                pausedFrom = with.clock().instant();
                deadline = pausedFrom.plus(with.timeout());
            }
            Optional<String> back = reasonToGoBack(step);
            if (back.isPresent()) {
                return giveBack(back.get());
            }
            switch (perform(step)) {
                case StepOutcome.Done _ -> {
                    if (step == SwitchStep.RELEASE) {
                        pausedTo = with.clock().instant();
                    }
                }
                case StepOutcome.Failed(String reason) -> {
                    return step.isAfterPermanent() ? unresolved(reason) : giveBack(reason);
                }
                case StepOutcome.Unknown(String question) -> {
                    return step.isAfterPermanent() ? unresolved(question) : giveBack(question);
                }
            }
        }
        return enter(
                State.DONE,
                Optional.of("The application writes to the %s.".formatted(with.kind().to())));
    }

    private Optional<String> reasonToGoBack(SwitchStep next) {
        if (pastReturn) {
            return Optional.empty();
        }
        if (cancelled) {
            return Optional.of(CANCELLED);
        }
        return with.clock().instant().isBefore(deadline)
                ? Optional.empty()
                : Optional.of(
                        "The step '%s' was not reached within %d s (switchover.timeout)."
                                .formatted(next.id(), with.timeout().toSeconds()));
    }

    private StepOutcome perform(SwitchStep step) throws InterruptedException {
        return step.isAfterPermanent()
                ? repeated(step)
                : step == SwitchStep.PERMANENT ? settled() : once(step);
    }

    private StepOutcome once(SwitchStep step) throws InterruptedException {
        progress.at(step);
        try {
            journal.enter(step, Mark.STARTED, "");
            with.trace().at(step, "perform:before");
            StepOutcome outcome = action(step).perform(attempt());
            with.trace().at(step, "perform:after");
            switch (outcome) {
                case StepOutcome.Done(String note) -> journal.enter(step, Mark.DONE, note);
                case StepOutcome.Failed(String reason) -> journal.note(step, Mark.FAILED, reason);
                case StepOutcome.Unknown(String question) ->
                        journal.note(step, Mark.FAILED, question);
            }
            return outcome;
        } catch (Superseded e) {
            throw e;
        } catch (SQLException e) {
            return new StepOutcome.Failed(
                    "The journal on the target could not be written: " + Reason.of(e) + ".");
        } catch (RuntimeException e) {
            String reason =
                    "The step '%s' failed: %s."
                            .formatted(step.id(), Incident.reason(LOG, "a step failed", e));
            journal.note(step, Mark.FAILED, reason);
            return new StepOutcome.Failed(reason);
        }
    }

    /// Makes the lease permanent. The lease itself says whether it is, whatever the step reported.
    private StepOutcome settled() throws InterruptedException {
        if (!passReturn()) {
            return new StepOutcome.Failed(CANCELLED);
        }
        StepOutcome outcome = once(SwitchStep.PERMANENT);
        if (isPermanent()) {
            journal.note(SwitchStep.PERMANENT, Mark.DONE, "");
            return new StepOutcome.Done("");
        }
        pastReturn = false;
        return outcome instanceof StepOutcome.Done
                ? new StepOutcome.Failed(
                        "The lease on the %s expired.".formatted(with.kind().from()))
                : outcome;
    }

    /// Waits until the source answers: an unknown lease is never guessed.
    private boolean isPermanent() throws InterruptedException {
        while (true) {
            try {
                return with.lease().isPermanent();
            } catch (RuntimeException e) {
                retry(SwitchStep.PERMANENT, Incident.reason(LOG, "the lease is unknown", e));
            }
        }
    }

    /// Performs a step after the point of no return, again and again. Only the routing is left to a
    /// person after some attempts.
    private StepOutcome repeated(SwitchStep step) throws InterruptedException {
        for (int attempt = 1; ; attempt++) {
            StepOutcome outcome = once(step);
            if (!(outcome instanceof StepOutcome.Failed(String reason))
                    || step == SwitchStep.ROUTE && attempt == ROUTE_ATTEMPTS) {
                return outcome;
            }
            retry(step, reason);
        }
    }

    private State unresolved(String question) throws InterruptedException {
        return enter(State.UNRESOLVED, Optional.of(question));
    }

    /// Undoes what was begun, in reverse, unless the lease on the source is permanent already: then
    /// the only way is forward.
    private State giveBack(String reason) throws InterruptedException {
        boolean isFenced = journal.isBegun(SwitchStep.FENCE);
        Optional<Boolean> lifted = isFenced ? lift() : Optional.of(true);
        if (lifted.isPresent() && !lifted.get()) {
            pastReturn = true;
            journal.note(SwitchStep.PERMANENT, Mark.DONE, "");
            return forward();
        }
        pastReturn = false;
        journal.note(State.RETURNING, reason);
        progress.enter(
                State.RETURNING, Optional.of(reason), OptionalLong.empty(), with.clock().instant());
        for (SwitchStep step : journal.toUndo()) {
            if (step == SwitchStep.ARM && lifted.isPresent()) {
                pausedTo = with.clock().instant();
            }
            undo(step);
            journal.note(step, Mark.UNDONE, "");
        }
        while (lifted.isEmpty()) {
            lifted = lift();
        }
        return enter(
                State.RETURNED,
                Optional.of(
                        "%s The application writes to the %s."
                                .formatted(reason, with.kind().from())));
    }

    /// Empty if the source did not answer before the lease expired. An answer is awaited without
    /// end if the lease may be permanent.
    private Optional<Boolean> lift() throws InterruptedException {
        Instant limit = pausedFrom == null ? Instant.MIN : pausedFrom.plus(with.timeout());
        while (true) {
            try {
                return Optional.of(with.lease().lift());
            } catch (RuntimeException e) {
                retry(SwitchStep.FENCE, Incident.reason(LOG, "the lease was not lifted", e));
                if (!journal.isBegun(SwitchStep.PERMANENT)
                        && with.clock().instant().isAfter(limit)) {
                    return Optional.empty();
                }
            }
        }
    }

    private void undo(SwitchStep step) throws InterruptedException {
        progress.at(step);
        while (true) {
            try {
                with.trace().at(step, "undo:before");
                action(step).undo(attempt());
                with.trace().at(step, "undo:after");
                return;
            } catch (Superseded e) {
                throw e;
            } catch (RuntimeException e) {
                retry(step, Incident.reason(LOG, "an undo failed", e));
            }
        }
    }

    /// Writes the state until the journal confirms it.
    private State enter(State state, Optional<String> outcome) throws InterruptedException {
        OptionalLong pause = pauseMs(state);
        while (true) {
            try {
                journal.enter(state, outcome, pause);
                progress.enter(state, outcome, pause, with.clock().instant());
                return state;
            } catch (SQLException e) {
                retry(SwitchStep.RELEASE, Reason.of(e));
            }
        }
    }

    private OptionalLong pauseMs(State state) {
        if (pausedFrom == null || !state.isFinished()) {
            return OptionalLong.empty();
        }
        Instant to = pausedTo == null ? with.clock().instant() : pausedTo;
        return OptionalLong.of(Duration.between(pausedFrom, to).toMillis());
    }

    private StepAction action(SwitchStep step) {
        StepAction action = with.actions().get(step);
        if (action == null) {
            throw new IllegalStateException("No action for the step " + step.id() + ".");
        }
        return action;
    }

    private Attempt attempt() {
        return new Attempt(journal.operation().id(), deadline, () -> cancelled);
    }

    private void retry(SwitchStep step, String reason) throws InterruptedException {
        LOG.atWarn()
                .addKeyValue("operation", journal.operation().id())
                .addKeyValue("step", step.id())
                .addKeyValue("reason", reason)
                .log("A step of the operation failed and is tried again.");
        if (closed.await(RETRY.toMillis(), TimeUnit.MILLISECONDS)) {
            throw new InterruptedException();
        }
    }

    /// Ends the waits of the operation's thread.
    @Override
    public void close() {
        closed.countDown();
    }
}
