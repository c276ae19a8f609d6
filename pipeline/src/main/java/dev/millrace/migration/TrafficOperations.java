package dev.millrace.migration;

import dev.millrace.control.OperationStore;
import dev.millrace.control.OperationStore.Beginning;
import dev.millrace.control.OperationStore.StoredOperation;
import dev.millrace.control.OperationStore.Superseded;
import dev.millrace.lifecycle.Incident;
import dev.millrace.lifecycle.Reason;
import dev.millrace.migration.Phase.Traffic;
import dev.millrace.postgres.Database.DatabaseFailure;
import dev.millrace.replication.RefusedException;
import dev.millrace.replication.ReverseStream;
import dev.millrace.rollback.RollbackMeter;
import dev.millrace.switchover.Operation;
import dev.millrace.switchover.Operation.Kind;
import dev.millrace.switchover.Operation.State;
import dev.millrace.switchover.OperationProgress;
import dev.millrace.switchover.StoredOperations;
import dev.millrace.switchover.SwitchoverOperation;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Runs the operations that move the traffic, one at a time, on a thread. After a restart it starts
/// the replication back to the source if that is armed, and continues an operation that has not
/// ended. Thread-safe.
final class TrafficOperations implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(TrafficOperations.class);
    private static final Duration RETRY = Duration.ofSeconds(1);
    private static final Duration STOP_TIMEOUT = Duration.ofSeconds(30);
    private static final String PHASE = "SWITCHING_OVER";

    private final String migration;
    private final OperationStore store;
    private final Optional<ReverseStream> reverse;
    private final Function<StoredOperation, SwitchoverOperation> steps;
    private final ExecutorService executor;
    private final CountDownLatch closed = new CountDownLatch(1);
    private volatile Traffic traffic;
    private volatile Optional<OperationProgress> progress;

    /// The last switchover that is done; empty also while the journal cannot be read after it.
    private volatile Optional<StoredOperation> switched;

    private @Nullable Current current;
    private boolean held;

    private TrafficOperations(
            String migration,
            OperationStore store,
            Optional<ReverseStream> reverse,
            Function<StoredOperation, SwitchoverOperation> steps,
            Optional<StoredOperation> last,
            Optional<StoredOperation> switched) {
        this.migration = migration;
        this.store = store;
        this.reverse = reverse;
        this.steps = steps;
        this.traffic = last.map(TrafficOperations::traffic).orElse(Traffic.ON_SOURCE);
        this.progress = last.map(OperationProgress::of);
        this.switched = switched;
        this.executor =
                Executors.newSingleThreadExecutor(
                        Thread.ofPlatform().name("traffic-" + migration).factory());
    }

    /// @param steps the steps of an operation between the servers of this migration
    static TrafficOperations of(
            String migration,
            OperationStore store,
            Optional<ReverseStream> reverse,
            Function<StoredOperation, SwitchoverOperation> steps)
            throws SQLException {
        return new TrafficOperations(
                migration, store, reverse, steps, store.latest(), switched(store));
    }

    private static Optional<StoredOperation> switched(OperationStore store) throws SQLException {
        return store.latest(Kind.SWITCHOVER.id(), State.DONE.id());
    }

    private static Traffic traffic(StoredOperation last) {
        return traffic(Kind.of(last.kind()), State.of(last.state()));
    }

    /// Where the application writes, as the last operation left it.
    static Traffic traffic(Kind kind, State state) {
        return switch (state) {
            case RUNNING, RETURNING -> Traffic.MOVING;
            case UNRESOLVED -> Traffic.UNRESOLVED;
            case DONE -> kind == Kind.SWITCHOVER ? Traffic.ON_TARGET : Traffic.ON_SOURCE;
            case RETURNED, DRY_RUN ->
                    kind == Kind.SWITCHOVER ? Traffic.ON_SOURCE : Traffic.ON_TARGET;
        };
    }

    Traffic traffic() {
        return traffic;
    }

    /// How far the last operation is, without the journal; empty before the first.
    Optional<OperationProgress.Snapshot> progress() {
        return progress.map(OperationProgress::latest);
    }

    /// What the journal says of the last switchover; empty while that is unknown.
    Optional<RollbackMeter.Switched> switched() {
        return switched.map(RollbackMeter.Switched::of);
    }

    /// The operation as the API shows it. An operation whose question was answered runs, although
    /// its thread may not have written that yet.
    Operation view(StoredOperation stored) {
        Operation known = StoredOperations.view(stored);
        return known.state() == State.UNRESOLVED && traffic == Traffic.MOVING
                ? new Operation(
                        known.id(),
                        known.kind(),
                        State.RUNNING,
                        known.steps(),
                        known.gates(),
                        known.pauseMs(),
                        null)
                : known;
    }

    /// Continues what an earlier process has left.
    void resume() {
        if (traffic != Traffic.ON_SOURCE) {
            executor.execute(this::continueAfterRestart);
        }
    }

    private void continueAfterRestart() {
        try {
            while (!tryContinue()) {
                if (closed.await(RETRY.toMillis(), TimeUnit.MILLISECONDS)) {
                    return;
                }
            }
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
    }

    /// @return false if a server does not answer
    private boolean tryContinue() throws InterruptedException {
        try {
            if (reverse.isPresent()) {
                Optional<String> refused = reverse.get().prepare();
                if (refused.isPresent()) {
                    warn(refused.get());
                    return false;
                }
                reverse.get().resume();
            }
            Optional<StoredOperation> unfinished = store.unfinished();
            if (unfinished.isEmpty() && traffic == Traffic.MOVING) {
                // It ended while a request was answered.
                traffic = store.latest().map(TrafficOperations::traffic).orElse(Traffic.ON_SOURCE);
            }
            if (unfinished.isPresent() && traffic == Traffic.MOVING) {
                run(unfinished.get(), steps.apply(unfinished.get()), SwitchoverOperation::resume);
            }
            return true;
        } catch (SQLException e) {
            warn(Reason.of(e));
        } catch (RuntimeException e) {
            warn(Incident.reason(LOG, "an operation could not be continued", e));
        }
        return false;
    }

    private void warn(String reason) {
        LOG.atWarn()
                .addKeyValue("migration", migration)
                .addKeyValue("reason", reason)
                .log("An operation that moves the traffic cannot be continued yet.");
    }

    /// Begins an operation.
    ///
    /// @return the operation as it was begun
    /// @throws RefusedException when another one has not ended
    synchronized StoredOperation begin(Beginning beginning) {
        if (held) {
            throw new RefusedException("The migration is ending. Nothing was changed");
        }
        try {
            Optional<StoredOperation> unfinished = store.unfinished();
            if (unfinished.isPresent()) {
                adopt(unfinished.get());
                throw new RefusedException(
                        "The operation %s (%s) has not ended. Wait for its end, see 'millrace status'"
                                .formatted(unfinished.get().id(), unfinished.get().kind()));
            }
            store.begin(beginning, PHASE);
            StoredOperation begun = find(beginning.id()).orElseThrow();
            execute(begun, SwitchoverOperation::start);
            return begun;
        } catch (SQLException e) {
            throw new DatabaseFailure("The operation could not be written to the journal", e);
        }
    }

    /// Continues an operation whose beginning was not confirmed to this process.
    private void adopt(StoredOperation unfinished) {
        if (traffic == Traffic.ON_SOURCE || traffic == Traffic.ON_TARGET) {
            traffic = traffic(unfinished);
            executor.execute(this::continueAfterRestart);
        }
    }

    /// Refuses new operations from now on.
    ///
    /// @return where the application writes
    synchronized Traffic hold() {
        try {
            store.unfinished().ifPresent(this::adopt);
        } catch (SQLException e) {
            throw new DatabaseFailure("The journal cannot be read", e);
        }
        held = true;
        return traffic;
    }

    /// Takes [#hold] back.
    synchronized void release() {
        held = false;
    }

    /// Answers the question of an unresolved operation.
    ///
    /// @return the operation; empty if none is unresolved
    synchronized Optional<StoredOperation> resolve(boolean routed) {
        if (traffic != Traffic.UNRESOLVED) {
            return Optional.empty();
        }
        try {
            Optional<StoredOperation> asked = store.unfinished();
            asked.ifPresent(
                    unresolved -> execute(unresolved, operation -> operation.resolve(routed)));
            return asked;
        } catch (SQLException e) {
            throw new DatabaseFailure("The journal cannot be read", e);
        }
    }

    /// Asks the current operation to go back.
    ///
    /// @return false if none of this kind runs, or if it is too late
    boolean cancel(Kind kind) {
        Current running = current();
        return running != null && running.kind() == kind && running.operation().cancel();
    }

    /// Whether an operation of this kind runs.
    boolean runs(Kind kind) {
        Current running = current();
        return running != null && running.kind() == kind;
    }

    Optional<StoredOperation> find(UUID id) {
        return read(store -> store.find(id));
    }

    /// The operation that was begun with this idempotency key.
    synchronized Optional<StoredOperation> requested(String requestKey) {
        Optional<StoredOperation> known = read(store -> store.requested(requestKey));
        known.filter(operation -> !State.of(operation.state()).isFinished()).ifPresent(this::adopt);
        return known;
    }

    Optional<StoredOperation> latest() {
        return read(OperationStore::latest);
    }

    private interface Reading {
        Optional<StoredOperation> of(OperationStore store) throws SQLException;
    }

    private Optional<StoredOperation> read(Reading reading) {
        try {
            return reading.of(store);
        } catch (SQLException e) {
            throw new DatabaseFailure("The journal cannot be read", e);
        }
    }

    private interface Part {
        State of(SwitchoverOperation operation) throws InterruptedException;
    }

    private void execute(StoredOperation operation, Part part) {
        Traffic before = traffic;
        traffic = Traffic.MOVING;
        try {
            SwitchoverOperation created = steps.apply(operation);
            current(new Current(Kind.of(operation.kind()), created));
            executor.execute(() -> perform(operation, created, part));
        } catch (RuntimeException e) {
            traffic = before;
            throw e;
        }
    }

    /// A failure that no step foresees is handled like a restart.
    private void perform(StoredOperation operation, SwitchoverOperation created, Part part) {
        try {
            run(operation, created, part);
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        } catch (RuntimeException e) {
            warn(Incident.reason(LOG, "an operation ended unexpectedly", e));
            continueAfterRestart();
        }
    }

    private void run(StoredOperation operation, SwitchoverOperation created, Part part)
            throws InterruptedException {
        Kind kind = Kind.of(operation.kind());
        try (SwitchoverOperation running = created) {
            current(new Current(kind, running));
            State state = part.of(running);
            traffic = traffic(kind, state);
            LOG.atInfo()
                    .addKeyValue("migration", migration)
                    .addKeyValue("operation", operation.id())
                    .addKeyValue("kind", kind.id())
                    .addKeyValue("state", state.id())
                    .log("An operation that moves the traffic ended.");
            if (traffic == Traffic.ON_TARGET) {
                awaitSwitched();
            }
        } catch (Superseded e) {
            warn(String.valueOf(e.getMessage()));
        } finally {
            current(null);
        }
    }

    private void awaitSwitched() throws InterruptedException {
        switched = Optional.empty();
        do {
            try {
                switched = switched(store);
                return;
            } catch (SQLException e) {
                warn(Reason.of(e));
            }
        } while (!closed.await(RETRY.toMillis(), TimeUnit.MILLISECONDS));
    }

    private record Current(Kind kind, SwitchoverOperation operation) {}

    private synchronized void current(@Nullable Current running) {
        current = running;
        if (running != null) {
            progress = Optional.of(running.operation().progress());
        }
    }

    private synchronized @Nullable Current current() {
        return current;
    }

    /// Ends the thread. An operation that has not ended is continued by the next process.
    @Override
    public void close() {
        closed.countDown();
        Current running = current();
        if (running != null) {
            running.operation().close();
        }
        executor.shutdownNow();
        try {
            executor.awaitTermination(STOP_TIMEOUT.toSeconds(), TimeUnit.SECONDS);
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
    }
}
