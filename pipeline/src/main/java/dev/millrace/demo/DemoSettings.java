package dev.millrace.demo;

import java.nio.file.Path;
import java.util.Optional;

/// What the user asked of the demo.
///
/// @param rows of the shop, in all tables together, about
/// @param port of the service; 0: any free one
/// @param dataDir where servers and log are kept; empty: a folder of its own that is deleted at the
///   end
/// @param exit leave with the verdict instead of staying up
public record DemoSettings(long rows, int port, Optional<Path> dataDir, boolean exit) {

    public DemoSettings {
        if (rows < 1) {
            throw new IllegalArgumentException("a shop needs at least one row: " + rows);
        }
    }
}
