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

/// What the operating system says of processes that are not our direct children. An ended process
/// that nobody has reaped (state Z) does not live.
final class ProcessTable {

    private static final Path PROC = Path.of("/proc");

    private ProcessTable() {}

    static boolean lives(long pid) {
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
            // The process went away between opening and reading.
            return Files.exists(stat);
        }
    }

    /// Empty when the operating system doesn't tell.
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

    /// Sends a signal by its name to those that still exist; the shell's own `kill` is everywhere.
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
            throw new LocalServerException("no shell could be started to send a signal: " + e, e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /// Whether the process has ended before the deadline.
    static boolean awaitEnd(long pid, Duration atMost) {
        long deadline = System.nanoTime() + atMost.toNanos();
        while (lives(pid)) {
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
