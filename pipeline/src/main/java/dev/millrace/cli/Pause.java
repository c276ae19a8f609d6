package dev.millrace.cli;

import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/// Waits between two requests to the service. Tests replace it.
public interface Pause {

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

    /// Pauses that double from a tenth of a second to a second, for a request whose answer is
    /// awaited. Not thread-safe.
    final class Growing {

        private static final Duration FIRST = Duration.ofMillis(100);
        private static final Duration LONGEST = Duration.ofSeconds(1);

        private final Pause pause;
        private Duration next = FIRST;

        Growing(Pause pause) {
            this.pause = pause;
        }

        void pause() {
            pause.between(next);
            Duration longer = next.multipliedBy(2);
            next = longer.compareTo(LONGEST) < 0 ? longer : LONGEST;
        }

        void restart() {
            next = FIRST;
        }
    }
}
