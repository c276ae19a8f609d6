package dev.millrace.cli;

import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.IntSupplier;

/// Runs an action when the process receives Ctrl-C or SIGTERM, and exits with the action's exit
/// code. Either the action or the command decides the exit code, never both. Thread-safe.
final class OnInterrupt implements AutoCloseable {

    private final AtomicBoolean decided = new AtomicBoolean();
    private final Thread hook;

    OnInterrupt(IntSupplier action) {
        hook =
                Thread.ofPlatform()
                        .unstarted(
                                () -> {
                                    if (decided.compareAndSet(false, true)) {
                                        Runtime.getRuntime().halt(exitCode(action));
                                    }
                                });
        Runtime.getRuntime().addShutdownHook(hook);
    }

    private static int exitCode(IntSupplier action) {
        try {
            return action.getAsInt();
        } catch (RuntimeException _) {
            return ExitCode.FAILED;
        }
    }

    /// @return false if an interrupt came first and the process is ending
    boolean done() {
        return decided.compareAndSet(false, true);
    }

    @Override
    public void close() {
        try {
            Runtime.getRuntime().removeShutdownHook(hook);
        } catch (IllegalStateException _) {
            // The process is ending and the hook is already running.
            return;
        }
    }
}
