package dev.millrace.cli;

import dev.millrace.spec.MigrationSpec;

/// Checks source, target, Kafka and mappings, and changes nothing.
public interface Planner {

    /// Prints each check with status, object and remedy to the terminal's `out`.
    ///
    /// @return [ExitCode#DONE] when every check passed, [ExitCode#REFUSED] when one didn't
    int plan(MigrationSpec spec, String hash, OutputFormat format, Terminal terminal);
}
