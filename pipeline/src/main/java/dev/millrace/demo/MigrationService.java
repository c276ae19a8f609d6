package dev.millrace.demo;

import java.net.URI;
import java.nio.file.Path;

/// Runs the service as `millrace run` does, in this process.
public interface MigrationService {

    /// Returns when the service answers on that port of 127.0.0.1.
    Running start(Path specFile, int port);

    /// A service that runs until closed.
    interface Running extends AutoCloseable {

        URI address();

        /// Drains and ends it; again it does nothing.
        @Override
        void close();
    }
}
