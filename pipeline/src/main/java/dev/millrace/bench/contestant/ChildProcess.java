package dev.millrace.bench.contestant;

import dev.millrace.bench.contestant.Contestant.ContestantFailed;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CancellationException;
import java.util.concurrent.TimeUnit;

/// A child process that ends when this process ends, also when this process is killed: a shell that
/// reads a pipe from this process kills the child when the pipe is closed. Not thread-safe.
final class ChildProcess implements AutoCloseable {

    private static final String WATCHDOG =
            "trap '' HUP INT TERM; read -r _; kill -KILL \"$1\" 2>/dev/null";
    private static final Duration DRAIN = Duration.ofMinutes(2);

    private final String name;
    private final Process process;
    private final Process watchdog;
    private final Path log;

    private ChildProcess(String name, Process process, Process watchdog, Path log) {
        this.name = name;
        this.process = process;
        this.watchdog = watchdog;
        this.log = log;
    }

    /// @param log file for the process's standard error
    /// @param output where its standard output goes
    static ChildProcess start(
            String name,
            List<String> command,
            Map<String, String> environment,
            Path log,
            ProcessBuilder.Redirect output)
            throws IOException {
        ProcessBuilder builder =
                new ProcessBuilder(command)
                        .redirectError(ProcessBuilder.Redirect.appendTo(log.toFile()))
                        .redirectOutput(output);
        builder.environment().putAll(environment);
        Process process = builder.start();
        try {
            Process watchdog =
                    new ProcessBuilder("sh", "-c", WATCHDOG, "sh", Long.toString(process.pid()))
                            .redirectErrorStream(true)
                            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                            .start();
            return new ChildProcess(name, process, watchdog, log);
        } catch (IOException e) {
            process.destroyForcibly();
            throw e;
        }
    }

    /// The command of another JVM with this one's Java and class path.
    static List<String> java(List<String> options, String main, String... arguments) {
        return javaOver(System.getProperty("java.class.path"), options, main, arguments);
    }

    static List<String> javaOver(
            String classPath, List<String> options, String main, String... arguments) {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(options);
        command.addAll(List.of("-cp", classPath, main));
        command.addAll(List.of(arguments));
        return command;
    }

    long pid() {
        return process.pid();
    }

    Process process() {
        return process;
    }

    /// @throws ContestantFailed if the process has ended
    void requireAlive() {
        if (!process.isAlive()) {
            throw new ContestantFailed(
                    name + " ended with exit code " + process.exitValue() + ". See " + log + ".");
        }
    }

    /// Waits for the end.
    ///
    /// @return the exit code
    int await(Duration atMost) {
        try {
            if (!process.waitFor(atMost.toNanos(), TimeUnit.NANOSECONDS)) {
                process.destroyForcibly();
                throw new ContestantFailed(
                        name
                                + " did not end within "
                                + atMost.toSeconds()
                                + " s. See "
                                + log
                                + ".");
            }
            return process.exitValue();
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
            throw new CancellationException();
        } finally {
            watchdog.destroyForcibly();
        }
    }

    /// Sends SIGTERM and waits for the end.
    void terminate() {
        process.destroy();
        await(DRAIN);
    }

    @Override
    public void close() {
        process.destroyForcibly();
        try {
            process.waitFor();
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
        watchdog.destroyForcibly();
    }
}
