package dev.millrace.sandbox;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.locks.LockSupport;

/// Reads and signals processes that are not children of this one. A zombie process (state Z) counts
/// as ended. Stateless.
final class ProcessTable {

    private static final Path PROC = Path.of("/proc");

    private ProcessTable() {}

    static boolean isAlive(long pid) {
        Path stat = PROC.resolve(Long.toString(pid)).resolve("stat");
        if (!Files.isDirectory(PROC.resolve("self"))) {
            return ProcessHandle.of(pid).map(ProcessHandle::isAlive).orElse(false);
        }
        try {
            String text = Files.readString(stat, StandardCharsets.ISO_8859_1);
            String state = text.substring(text.lastIndexOf(')') + 2, text.lastIndexOf(')') + 3);
            return !state.equals("Z") && !state.equals("X");
        } catch (NoSuchFileException _) {
            return false;
        } catch (IOException _) {
            // The process ended between opening and reading the file.
            return Files.exists(stat);
        }
    }

    /// Empty when the operating system does not show it.
    static Optional<List<String>> commandLine(long pid) {
        try {
            String text =
                    Files.readString(
                            PROC.resolve(Long.toString(pid)).resolve("cmdline"),
                            StandardCharsets.UTF_8);
            return text.isEmpty()
                    ? Optional.empty()
                    : Optional.of(Arrays.asList(text.split("\0", -1)));
        } catch (IOException _) {
            return ProcessHandle.of(pid)
                    .flatMap(process -> process.info().arguments())
                    .map(Arrays::asList);
        }
    }

    static List<Long> children(long pid) {
        return ProcessHandle.of(pid)
                .map(process -> process.children().map(ProcessHandle::pid).toList())
                .orElse(List.of());
    }

    /// Sends a signal by its name to the processes that still exist. Uses the shell's built-in
    /// `kill`, which exists on every machine.
    static void signal(String name, List<Long> pids) {
        if (pids.isEmpty()) {
            return;
        }
        List<String> command =
                new ArrayList<>(
                        List.of(
                                "sh",
                                "-c",
                                "s=$1; shift; for p; do kill -\"$s\" \"$p\"; done; true",
                                "sh",
                                name));
        pids.forEach(pid -> command.add(Long.toString(pid)));
        try {
            new ProcessBuilder(command)
                    .redirectErrorStream(true)
                    .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                    .start()
                    .waitFor();
        } catch (IOException e) {
            throw new LocalServerException(
                    "A shell that sends a signal cannot be started: " + e, e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /// Waits until the process has ended. False when the timeout has passed or the thread is
    /// interrupted.
    static boolean awaitEnd(long pid, Duration timeout) {
        long deadline = System.nanoTime() + timeout.toNanos();
        while (isAlive(pid)) {
            if (System.nanoTime() - deadline > 0 || Thread.currentThread().isInterrupted()) {
                return false;
            }
            LockSupport.parkNanos(Duration.ofMillis(10).toNanos());
        }
        return true;
    }

    static boolean isOnThePath(String program) {
        String path = System.getenv("PATH");
        return path != null
                && Arrays.stream(path.split(":"))
                        .anyMatch(folder -> Files.isExecutable(Path.of(folder, program)));
    }
}
