package dev.millrace.migration;

import dev.millrace.apply.ApplierSettings;
import dev.millrace.apply.Backoff;
import dev.millrace.apply.TargetApplier;
import dev.millrace.apply.TargetTopic;
import dev.millrace.capture.CaptureFailures.SnapshotFailures;
import dev.millrace.capture.CaptureSettings;
import dev.millrace.capture.SourceCapture;
import dev.millrace.control.GenerationStore.Generation;
import dev.millrace.lifecycle.FailureClassifier;
import dev.millrace.mappings.RowApplication;
import java.util.function.BooleanSupplier;

/// The moving parts of one generation: capture, mappings, applier. They start in the order of the
/// data and end against it: the capture first, so that what is in the log can still be applied.
final class Parts implements AutoCloseable {

    private final SourceCapture capture;
    private final RowApplication mappings;
    private final TargetApplier applier;

    private Parts(SourceCapture capture, RowApplication mappings, TargetApplier applier) {
        this.capture = capture;
        this.mappings = mappings;
        this.applier = applier;
    }

    /// @param snapshots why earlier snapshots of this process failed
    /// @param owner whether this process has the migration's lock at this moment
    static Parts start(
            MigrationSetup setup,
            Generation generation,
            SnapshotFailures snapshots,
            BooleanSupplier owner) {
        SourceCapture capture =
                SourceCapture.start(
                        new CaptureSettings(
                                setup.migration(),
                                generation.number(),
                                setup.spec().source().url(),
                                setup.spec().source().username(),
                                setup.spec().source().password().reveal(),
                                setup.captured(),
                                setup.partitions(),
                                setup.kafka(),
                                setup.spec().debezium()),
                        setup.source()::connect,
                        setup.clock(),
                        snapshots,
                        owner);
        RowApplication mappings =
                RowApplication.start(
                        new RowApplication.Settings(
                                setup.migration(),
                                generation.number(),
                                setup.mappings(),
                                setup.kafka(),
                                setup.stateDir(),
                                1),
                        setup.clock(),
                        FailureClassifier::of);
        TargetApplier applier =
                new TargetApplier(
                        new ApplierSettings(
                                setup.migration(),
                                generation.number(),
                                new TargetTopic(setup.topics().target(), setup.partitions(), true),
                                setup.replicaRole(),
                                setup.kafka(),
                                ApplierSettings.Limits.standard()),
                        () -> setup.target().connect("apply"),
                        setup.clock(),
                        Backoff.doubling());
        applier.start();
        return new Parts(capture, mappings, applier);
    }

    SourceCapture capture() {
        return capture;
    }

    RowApplication mappings() {
        return mappings;
    }

    TargetApplier applier() {
        return applier;
    }

    @Override
    public void close() throws InterruptedException {
        capture.close();
        mappings.close();
        applier.close();
    }
}
