package dev.millrace.migration;

import dev.millrace.digest.Chunker;
import dev.millrace.reconcile.Cancellation;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;

/// One comparison that waits or runs, and how to end it. It is carried out once. Thread-safe.
final class ReconciliationRun implements Runnable {

    private static final Duration AGAIN = Duration.ofMillis(100);
    private static final Duration PATIENCE = Duration.ofSeconds(10);

    private final Chunker chunker;
    private final Consumer<ReconciliationRun> work;
    private final Cancellation cancellation = new Cancellation();
    private final AtomicBoolean begun = new AtomicBoolean();
    private final CountDownLatch ended = new CountDownLatch(1);

    ReconciliationRun(Chunker chunker, Consumer<ReconciliationRun> work) {
        this.chunker = chunker;
        this.work = work;
    }

    Chunker chunker() {
        return chunker;
    }

    Cancellation cancellation() {
        return cancellation;
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

    void request() {
        cancellation.request();
        chunker.cancelStatements();
    }

    /// Waits some ten seconds for the end, then breaks the sessions: a server that doesn't answer
    /// doesn't take a cancel either. One that has not begun ends on this thread.
    void cancel() throws InterruptedException {
        cancellation.request();
        run();
        // Again and again: a cancel that comes just before a statement is lost.
        long deadline = System.nanoTime() + PATIENCE.toNanos();
        while (!ended.await(AGAIN.toMillis(), TimeUnit.MILLISECONDS)) {
            if (System.nanoTime() > deadline) {
                chunker.abort();
                return;
            }
            chunker.cancelStatements();
        }
    }
}
