package dev.millrace.source;

import java.time.Instant;

/// Where the capture is. Only [Streaming] and [Snapshotting] are well; everything else is shown to
/// the operator.
public sealed interface CaptureState {

    /// Opening the log, making the slot. Creating a slot waits for every transaction that runs on
    /// the source.
    record Starting(Instant since) implements CaptureState {}

    record Snapshotting(Instant since) implements CaptureState {}

    record Streaming(Instant since) implements CaptureState {}

    /// The run ended by a fault; another one is tried. Nothing is lost: it resumes at the boundary.
    record Waiting(String reason, Instant since) implements CaptureState {}

    /// The snapshot was interrupted: its rows can't be completed, a new generation has to begin.
    record SnapshotInterrupted(Instant since) implements CaptureState {}

    /// The source no longer continues where the log ends: re-backfill required. Never retried by
    /// the program.
    record SourceLost(String reason, Instant since) implements CaptureState {}

    /// The engine delivered what this program can't read; it would deliver it again. Never retried
    /// by the program.
    record Unreadable(String reason, Instant since) implements CaptureState {}

    record Stopped(Instant since) implements CaptureState {}
}
