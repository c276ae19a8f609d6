package dev.millrace.faults;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;

/// A file system of a limited size in memory.
record SmallDisk(Path folder) implements AutoCloseable {

    private static final String FILLER = "filler";

    static SmallDisk mount(int megabytes) throws IOException, InterruptedException {
        Path folder = Files.createTempDirectory("small-disk");
        assumeTrue(
                succeeds(
                        "mount",
                        "-t",
                        "tmpfs",
                        "-o",
                        "size=" + megabytes + "m",
                        "tmpfs",
                        folder.toString()),
                "this user may not mount a file system of a limited size");
        return new SmallDisk(folder);
    }

    void resize(int megabytes) throws IOException, InterruptedException {
        assertThat(succeeds("mount", "-o", "remount,size=" + megabytes + "m", folder.toString()))
                .isTrue();
    }

    /// Leaves no free space.
    void fill() throws IOException {
        byte[] zeros = new byte[1 << 16];
        try (OutputStream filler = Files.newOutputStream(folder.resolve(FILLER))) {
            while (true) {
                filler.write(zeros);
            }
        } catch (IOException e) {
            if (!String.valueOf(e.getMessage()).contains("No space left")) {
                throw e;
            }
        }
    }

    void free() throws IOException {
        Files.delete(folder.resolve(FILLER));
    }

    private static boolean succeeds(String... command) throws IOException, InterruptedException {
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        process.getInputStream().transferTo(OutputStream.nullOutputStream());
        return process.waitFor() == 0;
    }

    @Override
    public void close() throws IOException {
        try {
            succeeds("umount", "-l", folder.toString());
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
        Files.delete(folder);
    }
}
