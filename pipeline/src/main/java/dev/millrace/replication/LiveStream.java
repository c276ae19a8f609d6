package dev.millrace.replication;

import dev.millrace.apply.gate.WriteGate;
import dev.millrace.backfill.pace.Pace;
import dev.millrace.capture.CaptureFailures.SnapshotFailures;
import dev.millrace.control.GenerationStore.Generation;
import dev.millrace.kafka.Broker;
import dev.millrace.postgres.Catalog;
import dev.millrace.reconcile.ReplicationProgress;
import dev.millrace.stream.ReplicationStream;
import dev.millrace.stream.RunningStream;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import java.util.function.Function;
import java.util.function.Supplier;

/// The components of one generation, and the measurement of its lag. Thread-safe.
public record LiveStream(
        Equipment with, Generation generation, RunningStream stream, LagMonitor lag)
        implements AutoCloseable {

    /// What a stream runs with in this process.
    ///
    /// @param owner whether this process has the lock of the migration at this moment
    /// @param snapshots why earlier snapshots of this process failed
    /// @param pace pauses and limits the backfill
    /// @param gate pauses apply
    public record Equipment(
            ReplicationStream stream,
            Broker broker,
            BooleanSupplier owner,
            SnapshotFailures snapshots,
            Pace pace,
            WriteGate gate,
            InstantSource clock) {}

    /// @param additions finds what was added on the source
    public static LiveStream start(
            Equipment with, Generation generation, Function<Catalog, List<String>> additions) {
        RunningStream started =
                with.stream()
                        .start(
                                generation.number(),
                                with.snapshots(),
                                with.owner(),
                                with.pace(),
                                with.gate(),
                                with.clock());
        return new LiveStream(
                with,
                generation,
                started,
                new LagMonitor(
                        with.stream(),
                        with.clock(),
                        generation.number(),
                        with.broker(),
                        additions,
                        started.capture()::position,
                        () -> !with.gate().isSourceClosed()));
    }

    /// The progress, for a comparison of both sides.
    ///
    /// @param blocked why no further change can arrive on the target, as far as that is known
    public ReplicationProgress progress(Supplier<Optional<String>> blocked) {
        return live(blocked);
    }

    LiveReplicationProgress live(Supplier<Optional<String>> blocked) {
        return new LiveReplicationProgress(
                with.stream(),
                with.clock(),
                with.broker(),
                lag,
                stream.capture(),
                stream.retention().holds(),
                blocked);
    }

    @Override
    public void close() {
        lag.close();
        stream.close();
    }
}
