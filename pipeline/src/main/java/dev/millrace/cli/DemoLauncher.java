package dev.millrace.cli;

/// Runs the demonstration, with servers of its own.
public interface DemoLauncher {

    /// @return the verdict's [ExitCode]
    int run(Options options, Terminal terminal);

    /// @param rows of the largest table
    /// @param exit leave with the verdict instead of staying up
    /// @param port of the service; 0 for any free one
    /// @param debug stack traces may be shown
    record Options(long rows, boolean exit, int port, boolean debug) {}
}
