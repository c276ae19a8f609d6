package dev.millrace.reconcile;

import java.time.Duration;
import java.util.concurrent.CountDownLatch;
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
    void check() {
        if (isRequested()) {
            throw new Cancelled();
        }
    }

    /// Ends the reconciliation; the reconciler catches it.
    static final class Cancelled extends RuntimeException {
        private static final long serialVersionUID = 1L;

        Cancelled() {
            super(ReconciliationReport.CANCELLED);
        }
    }
}
