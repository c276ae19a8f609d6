package dev.millrace.testing;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.concurrent.TimeUnit;

/// A program that a test starts, freezes and kills. What it prints goes to a file. Thread-safe.
public final class ChildProcess implements AutoCloseable {

    private final Process process;
    private final Path output;

    private ChildProcess(Process process, Path output) {
        this.process = process;
        this.output = output;
    }

    public static ChildProcess start(List<String> command, Path output) {
        return start(command, Map.of(), output);
    }

    /// @param environment more variables than this process has
    public static ChildProcess start(
            List<String> command, Map<String, String> environment, Path output) {
        ProcessBuilder builder =
                new ProcessBuilder(command)
                        .redirectErrorStream(true)
                        .redirectOutput(output.toFile());
        builder.environment().putAll(environment);
        try {
            return new ChildProcess(builder.start(), output);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    public long pid() {
        return process.pid();
    }

    public boolean isAlive() {
        return process.isAlive();
    }

    public void requireAlive() {
        if (!process.isAlive()) {
            throw new IllegalStateException(
                    "The process ended with " + process.exitValue() + ":\n" + said());
        }
    }

    /// Everything that it has printed.
    public String said() {
        try {
            return Files.readString(output);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /// Writes a line to its standard input.
    public void tell(String line) throws IOException {
        process.getOutputStream().write((line + "\n").getBytes(StandardCharsets.UTF_8));
        process.getOutputStream().flush();
    }

    /// @param signal `STOP` or `CONT`
    public void signal(String signal) throws IOException, InterruptedException {
        int status =
                new ProcessBuilder("kill", "-" + signal, Long.toString(pid()))
                        .inheritIO()
                        .start()
                        .waitFor();
        // It may have ended in this moment.
        if (status != 0 && awaitEnd(Duration.ofSeconds(10)).isEmpty()) {
            throw new IllegalStateException("kill -" + signal + " ended with " + status);
        }
    }

    /// What `jcmd` prints for a JVM.
    public String jcmd(String... command) throws IOException, InterruptedException {
        List<String> line = new ArrayList<>();
        line.add(Path.of(System.getProperty("java.home"), "bin", "jcmd").toString());
        line.add(Long.toString(pid()));
        line.addAll(List.of(command));
        Process jcmd = new ProcessBuilder(line).redirectErrorStream(true).start();
        String printed = new String(jcmd.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        if (jcmd.waitFor() != 0) {
            throw new IllegalStateException(printed);
        }
        return printed;
    }

    /// The exit code; empty if the process does not end within the time.
    public OptionalInt awaitEnd(Duration atMost) throws InterruptedException {
        return process.waitFor(atMost.toMillis(), TimeUnit.MILLISECONDS)
                ? OptionalInt.of(process.exitValue())
                : OptionalInt.empty();
    }

    /// The exit code of a process that has ended.
    public int exitCode() {
        return process.exitValue();
    }

    /// Sends SIGTERM and returns the exit code.
    public int terminate() throws InterruptedException {
        process.destroy();
        return awaitEnd(Duration.ofSeconds(60))
                .orElseThrow(
                        () ->
                                new IllegalStateException(
                                        "The process did not end within 60 s: " + said()));
    }

    /// Sends SIGKILL and waits for the end.
    @Override
    public void close() {
        process.destroyForcibly();
        try {
            process.waitFor();
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
    }
}
