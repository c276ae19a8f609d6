package dev.millrace.service;

import dev.millrace.migration.MigrationControl;

/// A migration that runs and what runs with it. Closing it drains; that is done once, by the
/// service, while the status can still be read.
public interface ServedMigration extends AutoCloseable {

    MigrationControl control();

    @Override
    void close() throws Exception;

    /// Builds and starts what is served, when the port is the service's own.
    @FunctionalInterface
    interface Opening {

        /// Called once, by the thread that starts the service.
        ///
        /// @throws Exception whatever keeps it from starting; [MillraceService#start] hands it on
        ServedMigration open() throws Exception;
    }
}
