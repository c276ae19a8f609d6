package dev.millrace.cli;

import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/// Waits between two requests to the service. Tests replace it.
interface Pause {

    void between(Duration length);

    /// Blocks for the given time. An interrupt ends the command.
    static void real(Duration length) {
        try {
            boolean _ = new CountDownLatch(1).await(length.toNanos(), TimeUnit.NANOSECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new CommandFailure(ExitCode.FAILED, "Interrupted while waiting.", "", e);
        }
    }
}
