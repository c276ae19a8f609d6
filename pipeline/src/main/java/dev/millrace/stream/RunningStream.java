package dev.millrace.stream;

import dev.millrace.apply.TargetApplier;
import dev.millrace.capture.CaptureFailures.SnapshotFailures;
import dev.millrace.capture.SourceCapture;
import dev.millrace.lifecycle.RestartPolicy;
import dev.millrace.mappings.RowApplication;
import dev.millrace.retention.LogRetention;
import java.time.InstantSource;
import java.util.List;
import java.util.function.BooleanSupplier;

/// The components that run one generation of a [ReplicationStream]: capture, mappings and apply,
/// and the log's retention beside them. They start and stop in the order of the data: capture stops
/// first, so that what is in the log can still be applied. Thread-safe.
public final class RunningStream implements AutoCloseable {

    private final SourceCapture capture;
    private final RowApplication mappings;
    private final TargetApplier applier;
    private final LogRetention retention;

    private RunningStream(
            SourceCapture capture,
            RowApplication mappings,
            TargetApplier applier,
            LogRetention retention) {
        this.capture = capture;
        this.mappings = mappings;
        this.applier = applier;
        this.retention = retention;
    }

    static RunningStream start(
            ReplicationStream stream,
            int generation,
            SnapshotFailures snapshots,
            BooleanSupplier owner,
            InstantSource clock) {
        SourceCapture capture =
                SourceCapture.start(
                        stream.capture(generation),
                        stream.source().database()::connect,
                        clock,
                        snapshots,
                        owner,
                        RestartPolicy.standard());
        RowApplication mappings =
                RowApplication.start(stream.mappings(generation), clock, RestartPolicy.standard());
        TargetApplier applier =
                new TargetApplier(
                        stream.applier(generation),
                        () -> stream.target().database().connect("apply"),
                        clock,
                        RestartPolicy.standard());
        applier.start();
        LogRetention retention =
                LogRetention.start(stream.retention(generation), owner, List.of(), clock);
        return new RunningStream(capture, mappings, applier, retention);
    }

    public SourceCapture capture() {
        return capture;
    }

    public RowApplication mappings() {
        return mappings;
    }

    public TargetApplier applier() {
        return applier;
    }

    public LogRetention retention() {
        return retention;
    }

    @Override
    public void close() {
        retention.close();
        capture.close();
        mappings.close();
        applier.close();
    }
}
