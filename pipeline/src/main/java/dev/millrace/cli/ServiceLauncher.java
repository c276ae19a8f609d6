package dev.millrace.cli;

import dev.millrace.spec.MigrationSpec;

/// Runs the service in the foreground.
public interface ServiceLauncher {

    /// Returns when the service has drained and stopped.
    ///
    /// @param hash of the spec's meaning, see `SpecResult.Valid`
    /// @param debug stack traces may be shown
    /// @return an [ExitCode]
    int run(MigrationSpec spec, String hash, ServiceAddress address, boolean debug);
}
