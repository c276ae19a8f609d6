package dev.millrace.apply;

import dev.millrace.apply.gate.WriteGate;
import dev.millrace.apply.origin.SessionOrigin;
import dev.millrace.apply.task.TargetTask;
import dev.millrace.apply.task.WriteOutcome;
import dev.millrace.lifecycle.ComponentState;
import dev.millrace.lifecycle.Failure;
import dev.millrace.lifecycle.FailureClassifier;
import dev.millrace.lifecycle.Fault;
import dev.millrace.lifecycle.RestartPolicy;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Runs one task after the other through its own session, and repeats a task until it has an
/// outcome or [RestartPolicy] ends it. Repeating is safe: a transaction moves the stored offset or
/// changes nothing. Confined to one thread, except [#trouble], [#busySince], [#origin], [#reopen]
/// and [#close].
final class Writer implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(Writer.class);

    /// Opens the session of this writer.
    @FunctionalInterface
    interface Opener {
        /// @param failures how many attempts have failed since the last success
        BatchWriter open(int failures) throws SQLException;
    }

    /// Ends a task that another attempt would not complete. Its message has no row value.
    static final class GivenUp extends Exception {
        private static final long serialVersionUID = 1L;

        GivenUp(String reason, Throwable cause) {
            super(reason, cause);
        }
    }

    private final Opener opener;
    private final WriteGate gate;
    private final RestartPolicy policy;
    private final InstantSource clock;
    private final ApplierCounters counters;
    private final CountDownLatch closed = new CountDownLatch(1);
    private RestartPolicy.History history = RestartPolicy.History.none();
    private volatile @Nullable BatchWriter current;
    private volatile ComponentState.@Nullable Waiting trouble;
    private volatile @Nullable Instant busySince;
    private boolean reopens;

    Writer(
            Opener opener,
            WriteGate gate,
            RestartPolicy policy,
            InstantSource clock,
            ApplierCounters counters) {
        this.opener = opener;
        this.gate = gate;
        this.policy = policy;
        this.clock = clock;
        this.counters = counters;
    }

    /// Why the last attempt failed; empty after a success.
    Optional<ComponentState.Waiting> trouble() {
        return Optional.ofNullable(trouble);
    }

    /// When the current task began.
    Optional<Instant> busySince() {
        return Optional.ofNullable(busySince);
    }

    /// The origin of the open session; empty when none is open.
    Optional<SessionOrigin> origin() {
        return Optional.ofNullable(current).map(BatchWriter::origin);
    }

    /// Closes the session, after the current task if there is one. The next task opens another.
    synchronized void reopen() {
        reopens = true;
        if (busySince == null) {
            closeToReopen();
        }
    }

    private synchronized void closeToReopen() {
        if (reopens) {
            reopens = false;
            drop();
        }
    }

    private synchronized void busy(@Nullable Instant since) {
        busySince = since;
        closeToReopen();
    }

    /// @throws GivenUp when another attempt would not help
    /// @throws InterruptedException when the writer is closed meanwhile
    WriteOutcome run(TargetTask task) throws GivenUp, InterruptedException {
        try {
            while (true) {
                Throwable failure;
                try (WriteGate.Passage passage = enter()) {
                    try {
                        BatchWriter open = session();
                        passage.uses(open.connection());
                        WriteOutcome outcome = open.run(task);
                        trouble = null;
                        history = history.progressed();
                        passage.wrote(task.rows(), task.bytes());
                        return outcome;
                    } catch (SQLException | RuntimeException | Error e) {
                        // An Error has another cause than the end of the session.
                        if (passage.isEnded() && !(e instanceof Error)) {
                            drop();
                            continue;
                        }
                        failure = e;
                    }
                }
                await(failure);
            }
        } finally {
            busy(null);
        }
    }

    private WriteGate.Passage enter() throws InterruptedException {
        if (gate.isClosed()) {
            busy(null);
            trouble = new ComponentState.Waiting("paused", clock.instant());
        }
        WriteGate.Passage passage = gate.enter();
        if (busySince == null) {
            trouble = null;
            busy(clock.instant());
        }
        return passage;
    }

    private void await(Throwable thrown) throws GivenUp, InterruptedException {
        requireOpen();
        if (!(thrown instanceof SQLException sql && FailureClassifier.keepsSession(sql))) {
            drop();
        }
        Failure failure = FailureClassifier.of(thrown);
        RestartPolicy.Decision decision = policy.after(history, failure, clock.instant());
        history = decision.history();
        counters.error("the target: " + failure.reason());
        LOG.atWarn()
                .addKeyValue("attempt", history.failures())
                .addKeyValue("reason", failure.reason())
                .setCause(failure instanceof Failure.Unexplained ? Fault.of(thrown) : null)
                .log("a transaction on the target failed");
        if (!(decision.state()
                instanceof ComponentState.Waiting(Failure.Recoverable waiting, Instant since))) {
            throw new GivenUp("the target: " + reason(decision.state()), thrown);
        }
        trouble = new ComponentState.Waiting(waiting.from("the target"), since);
        pause(decision.delay());
    }

    private static String reason(ComponentState state) {
        return state instanceof ComponentState.Failed failed ? failed.reason() : state.text();
    }

    private void pause(Duration delay) throws InterruptedException {
        if (closed.await(delay.toMillis(), TimeUnit.MILLISECONDS)) {
            requireOpen();
        }
    }

    private void requireOpen() throws InterruptedException {
        if (closed.getCount() == 0) {
            throw new InterruptedException("the writer was closed");
        }
    }

    private BatchWriter session() throws SQLException {
        closeToReopen();
        BatchWriter open = current;
        if (open == null || open.isClosed()) {
            open = opener.open(history.failures());
            current = open;
            if (closed.getCount() == 0) {
                drop();
            }
        }
        return open;
    }

    private void drop() {
        BatchWriter open = current;
        current = null;
        if (open != null) {
            open.close();
        }
    }

    /// Aborts the current statement. A transaction that is not committed has no effect.
    @Override
    public void close() {
        closed.countDown();
        BatchWriter open = current;
        if (open != null) {
            open.abort();
        }
    }
}
