package dev.millrace.packaging;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.stream.Stream;

/// Unpacks the distribution of this build, once per test run. Only tests tagged `packaged` can use
/// it.
public final class Distribution {

    private Distribution() {}

    /// The folder with the launcher `millrace` and `lib`.
    public static Path root() {
        return Unpacked.ARCHIVE.folder().resolve("millrace-" + version());
    }

    /// The launcher; it runs with any working directory.
    public static Path launcher() {
        return root().resolve("millrace");
    }

    static String version() {
        return property("millrace.version");
    }

    static Archive archive() {
        return Unpacked.ARCHIVE;
    }

    static String property(String name) {
        String value = System.getProperty(name);
        if (value == null) {
            throw new IllegalStateException(
                    name + " is not set. Run tests tagged `packaged` with `./mvnw verify`.");
        }
        return value;
    }

    /// Creates an empty folder of this test process and deletes what an earlier run left there.
    static Path freshFolder(String name) {
        Path folder = Path.of(property("millrace.unpacked"), name);
        try {
            if (Files.exists(folder)) {
                try (Stream<Path> files = Files.walk(folder)) {
                    for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                        Files.delete(file);
                    }
                }
            }
            return Files.createDirectories(folder);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static final class Unpacked {

        private static final Archive ARCHIVE =
                Archive.unpack(
                        Path.of(property("millrace.distribution")), freshFolder("distribution"));
    }
}
