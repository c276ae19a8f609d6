package dev.millrace.cli;

import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.IntSupplier;

/// Does something in place of just ending when the process gets Ctrl-C or SIGTERM, and leaves with
/// the exit code that this gives. Either the interrupt or the verb has the last word, never both.
/// Thread-safe.
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

    /// @return false when an interrupt came first: the process is about to end
    boolean done() {
        return decided.compareAndSet(false, true);
    }

    @Override
    public void close() {
        try {
            Runtime.getRuntime().removeShutdownHook(hook);
        } catch (IllegalStateException _) {
            // The process is ending, and the hook runs already.
            return;
        }
    }
}
