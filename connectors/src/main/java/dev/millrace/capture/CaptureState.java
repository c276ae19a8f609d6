package dev.millrace.capture;

import dev.millrace.lifecycle.Failure;
import java.time.Instant;
import java.util.Optional;

/// Where the capture is. Only [Streaming] and [Snapshotting] are well; everything else is shown to
/// the operator.
public sealed interface CaptureState {

    /// Opens the log and creates or takes over the slot.
    ///
    /// @param waitsFor the sessions and prepared transactions that the source makes it wait for, if
    ///   there are any: creating a slot waits for every transaction that runs on the source
    record Starting(Optional<String> waitsFor, Instant since) implements CaptureState {}

    record Snapshotting(Instant since) implements CaptureState {}

    record Streaming(Instant since) implements CaptureState {}

    /// The run ended by a fault; another one is tried. Nothing is lost: it resumes at the boundary.
    record Waiting(Failure.Recoverable failure, Instant since) implements CaptureState {}

    /// The snapshot was interrupted: its rows can't be completed, a new generation has to begin.
    record SnapshotInterrupted(String reason, Instant since) implements CaptureState {}

    /// The source no longer continues where the log ends: re-backfill required. Never retried by
    /// the program.
    record SourceLost(String reason, Instant since) implements CaptureState {}

    /// Another try would fail the same way. Never retried by the program.
    record Failed(String reason, Instant since) implements CaptureState {}

    record Stopped(Instant since) implements CaptureState {}
}
