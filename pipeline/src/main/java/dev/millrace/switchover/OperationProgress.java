package dev.millrace.switchover;

import dev.millrace.control.OperationStore.StoredOperation;
import dev.millrace.switchover.Operation.Kind;
import dev.millrace.switchover.Operation.State;
import java.time.Instant;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.UUID;

/// How far an operation is, in memory, so that the status answers while the journal cannot be read.
/// The operation's thread writes it; thread-safe.
public final class OperationProgress {

    private volatile Snapshot latest;

    /// What is known of an operation at one moment. Immutable.
    ///
    /// @param step the step that was performed or undone last
    /// @param outcome what was reached and why, or the question of an unresolved operation; while
    ///   it returns, the reason
    /// @param finishedAt empty while the operation is not finished
    public record Snapshot(
            UUID id,
            Kind kind,
            State state,
            Optional<String> step,
            Optional<String> outcome,
            Instant startedAt,
            Optional<Instant> finishedAt,
            OptionalLong pauseMs) {}

    private OperationProgress(Snapshot latest) {
        this.latest = latest;
    }

    /// The progress of an operation as the journal contains it.
    public static OperationProgress of(StoredOperation stored) {
        return new OperationProgress(
                new Snapshot(
                        stored.id(),
                        Kind.of(stored.kind()),
                        State.of(stored.state()),
                        stored.steps().isEmpty()
                                ? Optional.empty()
                                : Optional.of(stored.steps().getLast().name()),
                        stored.outcome(),
                        stored.startedAt(),
                        stored.finishedAt(),
                        stored.pauseMs()));
    }

    public Snapshot latest() {
        return latest;
    }

    void at(SwitchStep step) {
        Snapshot known = latest;
        latest =
                new Snapshot(
                        known.id(),
                        known.kind(),
                        known.state(),
                        Optional.of(step.id()),
                        known.outcome(),
                        known.startedAt(),
                        known.finishedAt(),
                        known.pauseMs());
    }

    /// @param now by the clock of this process
    void enter(State state, Optional<String> outcome, OptionalLong pauseMs, Instant now) {
        Snapshot known = latest;
        latest =
                new Snapshot(
                        known.id(),
                        known.kind(),
                        state,
                        known.step(),
                        outcome,
                        known.startedAt(),
                        state.isFinished() ? Optional.of(now) : Optional.empty(),
                        pauseMs);
    }
}
