package dev.millrace.app;

import dev.millrace.cli.ExitCode;
import dev.millrace.lifecycle.Fault;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Ends the process at once when a thread dies of an [Error], for example because an upgrade in
/// place has removed a class. What that thread did would never end: a switchover would keep the
/// application's writes fenced, because other threads go on to renew its lease. After the end the
/// lease runs out, as after any kill, and the next start continues at the stored positions.
/// Thread-safe.
final class FatalErrors implements Thread.UncaughtExceptionHandler {

    private static final Logger LOG = LoggerFactory.getLogger(FatalErrors.class);

    private final Runnable end;

    FatalErrors(Runnable end) {
        this.end = end;
    }

    /// For every thread that sets no handler.
    static void endTheProcess() {
        Thread.setDefaultUncaughtExceptionHandler(
                new FatalErrors(() -> Runtime.getRuntime().halt(ExitCode.FAILED)));
    }

    @Override
    public void uncaughtException(Thread thread, Throwable failure) {
        try {
            LOG.atError()
                    .addKeyValue("thread", thread.getName())
                    .setCause(Fault.of(failure))
                    .log(
                            failure instanceof Error
                                    ? "a thread ended with an error that cannot be handled, so the"
                                            + " service ends; start it again to continue"
                                    : "a thread ended unexpectedly");
        } finally {
            // Even if the message cannot be written.
            if (failure instanceof Error) {
                end.run();
            }
        }
    }
}
