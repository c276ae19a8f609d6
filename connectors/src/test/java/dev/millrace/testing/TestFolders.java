package dev.millrace.testing;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;

/// Where the servers of tests keep their data: under the module's `target`, so that a clean build
/// removes what a killed run left.
public final class TestFolders {

    private static final Path ROOT = Path.of("target", "servers").toAbsolutePath();
    private static final Path BUILD = Path.of("..", "target").toAbsolutePath().normalize();

    private TestFolders() {}

    /// A new folder that no other test uses.
    public static Path create(String name) {
        try {
            return Files.createTempDirectory(Files.createDirectories(ROOT), name + "-");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /// Unpacked once for all servers of the build, because unpacking takes seconds in which every
    /// test of a starting module waits.
    public static Path postgresBinaries() {
        return BUILD.resolve("postgres-binaries");
    }
}
