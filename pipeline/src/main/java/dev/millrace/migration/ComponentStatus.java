package dev.millrace.migration;

import dev.millrace.apply.ApplierState;
import dev.millrace.capture.CaptureState;
import dev.millrace.capture.SourceCapture;
import dev.millrace.lag.PeriodicProbe;
import dev.millrace.lifecycle.Failure;
import dev.millrace.mappings.RowApplication;
import dev.millrace.stream.RunningStream;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// Folds the state of each component into what `status` shows and what the phase depends on. The
/// only place, with [ComparisonGate], that reads the components' own state types. Pure.
final class ComponentStatus {

    /// A change that Kafka has not confirmed for this long is reported.
    private static final Duration UNCONFIRMED = Duration.ofSeconds(6);

    private ComponentStatus() {}

    /// Whether the snapshot cannot be completed, so that a new generation must begin.
    static boolean needsNewGeneration(RunningStream stream) {
        return stream.capture().state() instanceof CaptureState.SnapshotInterrupted;
    }

    /// Why the components cannot continue exactly; empty while they can.
    static Optional<String> failure(RunningStream stream) {
        return switch (stream.capture().state()) {
            case CaptureState.SourceLost(String reason, Instant _) ->
                    Optional.of("re-backfill required: " + reason);
            case CaptureState.Failed(String reason, Instant _) -> Optional.of(reason);
            case CaptureState.Starting _,
                    CaptureState.Snapshotting _,
                    CaptureState.Streaming _,
                    CaptureState.Waiting _,
                    CaptureState.SnapshotInterrupted _,
                    CaptureState.Stopped _ ->
                    failureAfterCapture(stream);
        };
    }

    private static Optional<String> failureAfterCapture(RunningStream stream) {
        if (stream.applier().state() instanceof ApplierState.Failed(String reason)) {
            return Optional.of(reason);
        }
        return stream.mappings().state()
                        instanceof RowApplication.State.Failed(String reason, Instant _)
                ? Optional.of(reason)
                : Optional.empty();
    }

    static StatusReport.Part capture(SourceCapture capture, LagMonitor lag, Instant now) {
        return switch (capture.state()) {
            case CaptureState.Starting(Optional<String> waitsFor, Instant since) ->
                    part("capture", starting(waitsFor), since);
            case CaptureState.Snapshotting(Instant since) ->
                    well("capture", "reading the snapshot", since);
            case CaptureState.Streaming(Instant since) -> streaming(capture, lag, since, now);
            case CaptureState.Waiting(Failure.Recoverable failure, Instant since) ->
                    part("capture", failure.text(), since);
            case CaptureState.SnapshotInterrupted(String reason, Instant since) ->
                    part(
                            "capture",
                            "the snapshot was interrupted, a new generation begins: " + reason,
                            since);
            case CaptureState.SourceLost(String reason, Instant since) ->
                    part("capture", "re-backfill required: " + reason, since);
            case CaptureState.Failed(String reason, Instant since) ->
                    part("capture", "failed: " + reason, since);
            case CaptureState.Stopped(Instant since) -> part("capture", "stopped", since);
        };
    }

    private static String starting(Optional<String> waitsFor) {
        return waitsFor.map(
                        found ->
                                "starting: the source waits for "
                                        + found
                                        + ". End them, or wait until they end")
                .orElse("starting");
    }

    private static StatusReport.Part streaming(
            SourceCapture capture, LagMonitor lag, Instant since, Instant now) {
        Instant committed = capture.committedAt();
        boolean silent =
                lag.sourceTrouble().isEmpty()
                        && committed != null
                        && Duration.between(committed, now).compareTo(UNCONFIRMED) > 0;
        return silent
                ? part("capture", "Kafka has confirmed no change since " + committed, committed)
                : well("capture", "streaming", since);
    }

    static StatusReport.Part mappings(RowApplication.State state) {
        return switch (state) {
            case RowApplication.State.Starting(Instant since) ->
                    part("mappings", "starting", since);
            case RowApplication.State.Running(Instant since) -> well("mappings", "running", since);
            case RowApplication.State.Waiting(Failure.Recoverable failure, Instant since) ->
                    part("mappings", failure.text(), since);
            case RowApplication.State.Failed(String reason, Instant since) ->
                    part("mappings", "failed: " + reason, since);
            case RowApplication.State.Stopped(Instant since) -> part("mappings", "stopped", since);
        };
    }

    static StatusReport.Part applier(ApplierState state) {
        return switch (state) {
            case ApplierState.Applying() ->
                    new StatusReport.Part("applier", "applying", true, null);
            case ApplierState.Waiting(Failure.Recoverable failure, Instant since) ->
                    part("applier", failure.text(), since);
            case ApplierState.Failed(String reason) -> part("applier", "failed: " + reason, null);
            case ApplierState.Closed() -> part("applier", "stopped", null);
        };
    }

    static StatusReport.Part server(String name, Optional<PeriodicProbe.Trouble> trouble) {
        return trouble.map(found -> part(name, unreachable(found.failure()), found.since()))
                .orElseGet(() -> new StatusReport.Part(name, "reachable", true, null));
    }

    private static String unreachable(Failure.Recoverable failure) {
        return switch (failure) {
            case Failure.Retry(String reason) -> "unreachable: " + reason;
            case Failure.OperatorNeeded needed -> needed.text();
        };
    }

    private static StatusReport.Part well(String name, String state, Instant since) {
        return new StatusReport.Part(name, state, true, since);
    }

    private static StatusReport.Part part(String name, String state, @Nullable Instant since) {
        return new StatusReport.Part(name, state, false, since);
    }
}
