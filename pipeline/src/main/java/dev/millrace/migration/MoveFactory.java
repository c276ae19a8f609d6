package dev.millrace.migration;

import dev.millrace.control.OperationStore;
import dev.millrace.control.OperationStore.StoredOperation;
import dev.millrace.reconcile.pass.Reconciler;
import dev.millrace.reconcile.touched.TouchedBasis;
import dev.millrace.replication.LiveStream;
import dev.millrace.replication.ReverseStream;
import dev.millrace.replication.SwitchoverStream;
import dev.millrace.route.Routes;
import dev.millrace.sequences.TargetSequences;
import dev.millrace.sequences.TargetSequences.Direction;
import dev.millrace.sequences.TargetSequences.Scope;
import dev.millrace.spec.MigrationSpec;
import dev.millrace.spec.SpecResult;
import dev.millrace.stream.ReplicationStream;
import dev.millrace.switchover.Operation.Kind;
import dev.millrace.switchover.StreamProgress;
import dev.millrace.switchover.StreamProgress.Attempt;
import dev.millrace.switchover.StreamProgress.Proof;
import dev.millrace.switchover.SwitchStep;
import dev.millrace.switchover.SwitchoverOperation;
import dev.millrace.switchover.SwitchoverOperation.ReturnPath;
import dev.millrace.verdict.Reconciliations;
import java.time.InstantSource;
import java.util.Optional;
import java.util.function.Supplier;

/// Creates the steps of the operations between the servers of this migration. Thread-safe.
///
/// @param live the forward stream
/// @param blocked why it makes no progress, as far as that is known
record MoveFactory(
        ReplicationStream forward,
        SpecResult.Valid file,
        Supplier<LiveStream> live,
        Supplier<Optional<String>> blocked,
        Optional<ReverseStream> reverse,
        Reconciliations reconciliations,
        Routes routes,
        InstantSource clock) {

    SwitchoverOperation operation(
            OperationStore store, StoredOperation operation, SwitchStep.Trace trace) {
        Kind kind = Kind.of(operation.kind());
        MigrationSpec spec = file.spec();
        return new SwitchoverOperation(
                new SwitchoverOperation.Equipment(
                        kind,
                        forward,
                        progress(kind),
                        reverse.<ReturnPath>map(path -> path).orElseGet(NoReturn::new),
                        routes,
                        spec.switchover().fence(),
                        sequences(kind),
                        spec.switchover().timeout(),
                        spec.switchover().reverseWindow(),
                        clock,
                        trace),
                store,
                operation);
    }

    private StreamProgress progress(Kind kind) {
        return switch (kind) {
            case SWITCHOVER ->
                    new SwitchoverStream(
                            forward,
                            live,
                            blocked,
                            reconciliations.chunker(),
                            Reconciler.Subject.forward(forward.name(), file),
                            TouchedBasis.of(reconciliations.lastReport().orElse(null), file.hash()),
                            clock);
            case ROLLBACK -> back().progress();
        };
    }

    private ReverseStream back() {
        return reverse.orElseThrow(
                () -> new IllegalStateException("This migration has no way back."));
    }

    private TargetSequences sequences(Kind kind) {
        return switch (kind) {
            case SWITCHOVER -> sequences(Direction.FORWARD, forward);
            case ROLLBACK -> sequences(Direction.BACK, back().stream());
        };
    }

    private TargetSequences sequences(Direction direction, ReplicationStream stream) {
        return new TargetSequences(
                stream.source().database(),
                stream.target().database(),
                Scope.of(direction, file.spec(), stream.tables().mappings()),
                file.spec().switchover().timeout());
    }

    /// Refuses to arm.
    private record NoReturn() implements ReturnPath {

        @Override
        public Optional<String> prepare() {
            return Optional.of(
                    "The target's changes cannot be carried back to the source. 'millrace plan' names the tables and columns.");
        }

        @Override
        public Optional<String> arm(Attempt attempt) {
            return prepare();
        }

        @Override
        public void proved(Proof.Equal equal) {
            throw new IllegalStateException("Nothing was armed.");
        }

        @Override
        public void left() {
            throw new IllegalStateException("Nothing was armed.");
        }

        @Override
        public void disarm() {
            // Nothing was armed.
        }
    }
}
