package dev.millrace.reconcile;

import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/// Ends a reconciliation from another thread: it stops at its next step. A statement that runs has
/// to be cancelled besides. Thread-safe.
public final class Cancellation {

    private final CountDownLatch requested = new CountDownLatch(1);

    public void request() {
        requested.countDown();
    }

    public boolean isRequested() {
        return requested.getCount() == 0;
    }

    /// Waits so long, or until it is requested.
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

    /// @throws Cancelled when it is requested
    void check() {
        if (isRequested()) {
            throw new Cancelled();
        }
    }

    /// Unwinds to the reconciler.
    static final class Cancelled extends RuntimeException {
        private static final long serialVersionUID = 1L;

        Cancelled() {
            super(ReconciliationReport.CANCELLED);
        }
    }
}
