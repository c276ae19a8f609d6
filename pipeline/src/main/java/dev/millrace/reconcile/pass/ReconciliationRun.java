package dev.millrace.reconcile.pass;

import dev.millrace.digest.Chunker;
import dev.millrace.reconcile.Cancellation;
import dev.millrace.reconcile.ComparisonProgress;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;

/// One reconciliation that waits or runs, and can be cancelled. It runs once. Thread-safe.
public final class ReconciliationRun implements Runnable {

    private static final Duration CANCEL_INTERVAL = Duration.ofMillis(100);
    private static final Duration CANCEL_TIMEOUT = Duration.ofSeconds(10);

    private final Chunker chunker;
    private final Consumer<ReconciliationRun> work;
    private final Cancellation cancellation = new Cancellation();
    private final ComparisonProgress progress = new ComparisonProgress();
    private final AtomicBoolean begun = new AtomicBoolean();
    private final CountDownLatch ended = new CountDownLatch(1);

    public ReconciliationRun(Chunker chunker, Consumer<ReconciliationRun> work) {
        this.chunker = chunker;
        this.work = work;
    }

    public Chunker chunker() {
        return chunker;
    }

    public Cancellation cancellation() {
        return cancellation;
    }

    public ComparisonProgress progress() {
        return progress;
    }

    @Override
    public void run() {
        if (begun.compareAndSet(false, true)) {
            try {
                work.accept(this);
            } finally {
                ended.countDown();
            }
        }
    }

    /// Requests the end, without waiting for it.
    public void requestCancel() {
        cancellation.request();
        chunker.cancelStatements();
    }

    /// Cancels the run and waits for its end for ten seconds. Then it closes the sessions: a server
    /// that does not answer does not receive a cancel request either. A run that has not begun ends
    /// on the caller's thread.
    public void cancel() throws InterruptedException {
        cancellation.request();
        run();
        // Repeated: a cancel request that arrives just before a statement has no effect.
        long deadline = System.nanoTime() + CANCEL_TIMEOUT.toNanos();
        while (!ended.await(CANCEL_INTERVAL.toMillis(), TimeUnit.MILLISECONDS)) {
            if (System.nanoTime() > deadline) {
                chunker.abort();
                return;
            }
            chunker.cancelStatements();
        }
    }
}
