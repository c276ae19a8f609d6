package dev.millrace.reconcile;

import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;

/// Cancels a reconciliation from another thread: it stops at its next step. A running statement
/// must be cancelled separately. Thread-safe.
public final class Cancellation {

    private final CountDownLatch requested = new CountDownLatch(1);

    public void request() {
        requested.countDown();
    }

    public boolean isRequested() {
        return requested.getCount() == 0;
    }

    /// Waits for this time, or until the cancellation is requested.
    ///
    /// @return whether it is requested
    public boolean pause(Duration length) {
        try {
            return requested.await(length.toNanos(), TimeUnit.NANOSECONDS);
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
            request();
            return true;
        }
    }

    /// @throws Cancelled when the cancellation is requested
    public void check() {
        if (isRequested()) {
            throw new Cancelled();
        }
    }

    /// Waits for a task of the reconciliation and throws what it threw. An interrupt cancels the
    /// reconciliation.
    public static <T> T result(Future<T> task) {
        try {
            return task.get();
        } catch (ExecutionException e) {
            if (e.getCause() instanceof RuntimeException failure) {
                throw failure;
            }
            throw new IllegalStateException(e.getCause());
        } catch (InterruptedException _) {
            throw interrupted();
        }
    }

    /// What to throw after an [InterruptedException].
    public static Cancelled interrupted() {
        Thread.currentThread().interrupt();
        return new Cancelled();
    }

    /// Ends the reconciliation; the reconciler catches it.
    public static final class Cancelled extends RuntimeException {
        private static final long serialVersionUID = 1L;

        private Cancelled() {
            super(ReconciliationReport.CANCELLED);
        }
    }
}
