package dev.millrace.cli;

import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/// How a verb waits between two looks at the service.
interface Pause {

    void between(Duration length);

    /// Waits for real; an interrupt ends the verb.
    static void real(Duration length) {
        try {
            boolean _ = new CountDownLatch(1).await(length.toNanos(), TimeUnit.NANOSECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new CommandFailure(ExitCode.FAILED, "interrupted while waiting", "", e);
        }
    }
}
