package dev.millrace.switchover;

import dev.millrace.control.OperationStore;
import dev.millrace.control.OperationStore.StoredOperation;
import dev.millrace.fence.WriteFence;
import dev.millrace.route.Routes;
import dev.millrace.sequences.TargetSequences;
import dev.millrace.spec.switchover.Switchover.Fence;
import dev.millrace.stream.ReplicationStream;
import dev.millrace.switchover.Operation.Kind;
import dev.millrace.switchover.Operation.State;
import dev.millrace.switchover.StreamProgress.Attempt;
import dev.millrace.switchover.StreamProgress.Proof;
import java.sql.SQLException;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;

/// One move of the traffic between real servers: the steps with their actions. One thread calls the
/// methods that return a state; [#cancel] and [#close] are thread-safe.
public final class SwitchoverOperation implements AutoCloseable {

    /// How long the triggers' removal may wait for locks; the application notices nothing.
    private static final Duration REMOVAL = Duration.ofSeconds(5);

    private final WriteFence source;
    private final WriteFence removal;
    private final WriteFence target;
    private final SwitchoverRun run;
    private final Kind kind;
    private final ReturnPath returnPath;
    private final StreamProgress progress;

    /// What a move of the traffic works with.
    ///
    /// @param forward the forward stream's names and databases
    /// @param progress of the stream from the side that the application leaves to the other
    /// @param fence what refuses writes to the source while the last changes are applied
    /// @param sequences of the same direction
    /// @param timeout how long writes may be refused or held before the operation goes back
    /// @param reverseWindow how long the way back is meant to be kept after a switchover
    public record Equipment(
            Kind kind,
            ReplicationStream forward,
            StreamProgress progress,
            ReturnPath returnPath,
            Routes routes,
            Fence fence,
            TargetSequences sequences,
            Duration timeout,
            Duration reverseWindow,
            InstantSource clock,
            SwitchStep.Trace trace) {}

    /// @param operation as the journal contains it
    public SwitchoverOperation(Equipment with, OperationStore store, StoredOperation operation) {
        kind = with.kind();
        returnPath = with.returnPath();
        progress = with.progress();
        WriteFence.Limits limits = WriteFence.Limits.standard();
        source = sourceFence(with, limits);
        removal =
                sourceFence(
                        with,
                        new WriteFence.Limits(
                                limits.lock(), limits.pause(), REMOVAL, limits.reply()));
        target = targetFence(with.forward());
        WriteFence from =
                switch (with.kind()) {
                    case SWITCHOVER -> source;
                    case ROLLBACK -> target;
                };
        TrafficSteps steps =
                new TrafficSteps(
                        new TrafficSteps.Equipment(
                                with.kind(),
                                with.kind() == Kind.SWITCHOVER && with.fence() == Fence.EXTERNAL,
                                with.forward().name(),
                                from,
                                from == source ? target : source,
                                removal,
                                with.returnPath(),
                                with.routes(),
                                with.progress(),
                                with.sequences(),
                                with.clock()));
        run =
                new SwitchoverRun(
                        new SwitchoverRun.Settings(
                                with.kind(),
                                steps.actions(),
                                new FenceLease(from),
                                with.timeout(),
                                with.clock(),
                                with.trace()),
                        new OperationJournal(store, operation, with.reverseWindow()));
    }

    /// Without triggers, the lease still says who moves the traffic.
    private static WriteFence sourceFence(Equipment with, WriteFence.Limits limits) {
        ReplicationStream forward = with.forward();
        return new WriteFence(
                forward.source().database(),
                forward.id(),
                switch (with.fence()) {
                    case LEASE -> forward.tables().sourceIds();
                    case EXTERNAL -> List.of();
                },
                limits);
    }

    /// The fence that keeps the application from writing to the target before it is opened.
    public static WriteFence targetFence(ReplicationStream forward) {
        return new WriteFence(
                forward.target().database(),
                forward.id(),
                forward.tables().targetIds(),
                WriteFence.Limits.standard());
    }

    /// How far the operation is.
    public OperationProgress progress() {
        return run.progress();
    }

    /// Performs the steps of a new operation.
    ///
    /// @throws InterruptedException after [#close]; the operation continues with the next process
    /// @throws OperationStore.Superseded when another process has run the migration since
    public State start() throws InterruptedException {
        return ended(run.start());
    }

    private State ended(State state) {
        if (state == State.DONE && kind == Kind.SWITCHOVER) {
            returnPath.left();
        }
        return state;
    }

    /// Continues an operation after a restart.
    public State resume() throws InterruptedException {
        return ended(run.resume());
    }

    /// Continues an unresolved operation with the answer of a person.
    ///
    /// @param routed whether the routing had its effect
    public State resolve(boolean routed) throws InterruptedException {
        return ended(run.resolve(routed));
    }

    /// Asks the operation to go back.
    ///
    /// @return false if it is too late
    public boolean cancel() {
        return run.cancel();
    }

    /// Ends the waits of the operation's thread, and the sessions.
    @Override
    public void close() {
        run.close();
        progress.close();
        source.close();
        removal.close();
        target.close();
    }

    /// The replication from the target back to the source, as far as the moves of the traffic need
    /// it. Each method can be repeated. Called by the operation's thread only.
    public interface ReturnPath {

        /// Creates the control schema on the source.
        ///
        /// @return why that is refused; empty if it exists
        Optional<String> prepare();

        /// Starts the replication and proves it: a watermark that is written to the target's WAL
        /// must be applied to the source. From here on, no change of the target is lost.
        ///
        /// @return why it does not run; empty if it does
        Optional<String> arm(Attempt attempt) throws InterruptedException;

        /// Both sides were found equal, and nobody writes: later comparisons build on this moment.
        void proved(Proof.Equal equal);

        /// A switchover is done: from now on, who uses the source uses the old side. Never fails.
        void left();

        /// Ends the replication, and drops its slot and its publication on the target.
        void disarm() throws SQLException;
    }
}
