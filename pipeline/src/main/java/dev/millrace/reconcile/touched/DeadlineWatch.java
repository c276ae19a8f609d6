package dev.millrace.reconcile.touched;

import dev.millrace.digest.Chunker;
import dev.millrace.reconcile.Cancellation;
import dev.millrace.reconcile.ReconciliationReport;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/// Ends a comparison at its deadline, or when its caller cancels it: no further step begins, and
/// running statements are cancelled on the servers. Thread-safe.
final class DeadlineWatch implements AutoCloseable {

    static final String DEADLINE = "the deadline passed";

    private static final Duration INTERVAL = Duration.ofMillis(20);

    /// A server that does not answer a request to cancel does not end a statement either.
    private static final Duration ABORT_AFTER = Duration.ofSeconds(2);

    private final Chunker chunker;
    private final Cancellation outer;
    private final Cancellation inner = new Cancellation();
    private final InstantSource clock;
    private final Instant deadline;
    private final CountDownLatch closed = new CountDownLatch(1);
    private final Thread thread;

    DeadlineWatch(Chunker chunker, Cancellation outer, InstantSource clock, Instant deadline) {
        this.chunker = chunker;
        this.outer = outer;
        this.clock = clock;
        this.deadline = deadline;
        this.thread = Thread.ofVirtual().name("reconcile-deadline").start(this::watch);
    }

    /// Requested when the comparison must end.
    Cancellation cancellation() {
        return inner;
    }

    /// Why the comparison ended early.
    String reason() {
        return outer.isRequested() ? ReconciliationReport.CANCELLED : DEADLINE;
    }

    private void watch() {
        try {
            while (!closed.await(INTERVAL.toMillis(), TimeUnit.MILLISECONDS)) {
                Instant now = clock.instant();
                if (outer.isRequested() || !now.isBefore(deadline)) {
                    inner.request();
                    // Repeated: a request that arrives just before a statement has no effect.
                    chunker.cancelStatements();
                }
                if (now.isAfter(deadline.plus(ABORT_AFTER))) {
                    chunker.abort();
                }
            }
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
            inner.request();
        }
    }

    /// Returns when no further statement is cancelled.
    @Override
    public void close() {
        closed.countDown();
        try {
            thread.join();
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
    }
}
