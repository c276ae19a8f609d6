package dev.millrace.cli;

import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/// Runs the demonstration, with servers of its own.
public interface DemoLauncher {

    /// @return the verdict's [ExitCode]
    int run(Options options, Terminal terminal);

    /// @param rows in all tables of the shop, about; above zero
    /// @param exit leave with the verdict instead of staying up
    /// @param port of the service; 0 for any free one
    /// @param dataDir kept for another run; `null` for a folder of its own, deleted at the end
    /// @param debug stack traces may be shown
    record Options(long rows, boolean exit, int port, @Nullable Path dataDir, boolean debug) {}
}
