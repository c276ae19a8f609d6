package dev.millrace.testing;

import dev.millrace.sandbox.Folders;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;

/// Where the servers of tests keep their data: under the module's `target`, so that a clean build
/// removes what a killed run left.
public final class TestFolders {

    private static final Path ROOT = Path.of("target", "servers").toAbsolutePath();
    private static final Path MEMORY = Path.of("/dev/shm");
    private static final String IN_MEMORY =
            "millrace-tests-" + System.getProperty("user.name") + "-";

    /// The servers of all forks of a module need half of this: a database has 8 MB, and a server
    /// keeps 1 GB of WAL.
    private static final long ENOUGH = 12L << 30;

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

    /// Like [#create], but in memory where the machine has a file system for it, for a server that
    /// promises nothing after a power cut: a database has 300 files, and to create files on a disk
    /// costs more than all statements of a short test. The caller deletes the folder; one that a
    /// killed run left is deleted here.
    public static Path createInMemory(String name) {
        try {
            if (!hasMemory()) {
                return create(name);
            }
            deleteLeftFolders();
            return Files.createTempDirectory(
                    MEMORY, IN_MEMORY + ProcessHandle.current().pid() + "-" + name + "-");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static boolean hasMemory() throws IOException {
        return Files.isWritable(MEMORY)
                && Files.getFileStore(MEMORY).type().equals("tmpfs")
                && Files.getFileStore(MEMORY).getUsableSpace() >= ENOUGH;
    }

    private static void deleteLeftFolders() throws IOException {
        try (var folders = Files.newDirectoryStream(MEMORY, IN_MEMORY + "*")) {
            for (Path folder : folders) {
                String name = folder.getFileName().toString().substring(IN_MEMORY.length());
                long owner = Long.parseLong(name.substring(0, name.indexOf('-')));
                if (ProcessHandle.of(owner).isEmpty()) {
                    Folders.delete(folder);
                }
            }
        }
    }

    /// Unpacked once for all servers of the build, because unpacking takes seconds in which every
    /// test of a starting module waits.
    public static Path postgresBinaries() {
        return BUILD.resolve("postgres-binaries");
    }
}
