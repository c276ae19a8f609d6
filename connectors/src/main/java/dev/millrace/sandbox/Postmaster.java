package dev.millrace.sandbox;

import dev.millrace.sandbox.SandboxPostgres.StopMode;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/// A running server process and its watchdog. The watchdog is a shell that reads a pipe from this
/// process. When this process ends in any way, the pipe is closed and the watchdog ends the server.
/// The server starts only after the watchdog runs, so it is never without one. Both are separate
/// sessions if `setsid` exists, so neither Ctrl-C in a terminal nor a kill of this process group
/// reaches them. Not thread-safe.
final class Postmaster {

    private static final String LAUNCHER = "read -r _ || exit 1; exec \"$@\" < /dev/null";
    private static final String WATCHDOG =
            "trap '' HUP INT TERM; read -r _; kill -QUIT \"$1\"; kill -CONT \"$1\"";
    private static final boolean SETSID = ProcessTable.isOnThePath("setsid");
    private static final Duration KILL_TIMEOUT = Duration.ofSeconds(10);

    private final Process server;
    private final Process watchdog;
    private final Path data;

    private Postmaster(Process server, Process watchdog, Path data) {
        this.server = server;
        this.watchdog = watchdog;
        this.data = data;
    }

    static Postmaster start(PostgresBinaries binaries, Path data, Path log) {
        List<String> launcher = session(List.of("sh", "-c", LAUNCHER, "sh"));
        launcher.addAll(binaries.command("postgres", List.of("-D", data.toString())));
        Process server = null;
        Process watchdog = null;
        try {
            server =
                    new ProcessBuilder(launcher)
                            .redirectErrorStream(true)
                            .redirectOutput(ProcessBuilder.Redirect.appendTo(log.toFile()))
                            .start();
            String pid = Long.toString(server.pid());
            watchdog =
                    new ProcessBuilder(session(List.of("sh", "-c", WATCHDOG, "sh", pid)))
                            .redirectErrorStream(true)
                            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                            .start();
            try (OutputStream input = server.getOutputStream()) {
                input.write("go\n".getBytes(StandardCharsets.US_ASCII));
            }
            Process guard = watchdog;
            server.onExit().thenRun(guard::destroyForcibly);
            return new Postmaster(server, guard, data);
        } catch (IOException e) {
            if (server != null) {
                server.destroyForcibly();
            }
            if (watchdog != null) {
                watchdog.destroyForcibly();
            }
            throw new LocalServerException("The process of PostgreSQL cannot be started: " + e, e);
        }
    }

    private static List<String> session(List<String> command) {
        List<String> all = new ArrayList<>();
        if (SETSID) {
            all.add("setsid");
        }
        all.addAll(command);
        return all;
    }

    long pid() {
        return server.pid();
    }

    boolean isAlive() {
        return server.isAlive();
    }

    /// Waits until the server accepts connections. False when it has ended or the timeout has
    /// passed.
    boolean awaitReady(Duration timeout) {
        long deadline = System.nanoTime() + timeout.toNanos();
        while (!PidFile.read(data).map(file -> file.pid() == pid() && file.ready()).orElse(false)) {
            if (System.nanoTime() - deadline > 0 || awaitEnd(Duration.ofMillis(10))) {
                return false;
            }
        }
        return true;
    }

    boolean awaitEnd(Duration timeout) {
        try {
            return server.waitFor(timeout.toNanos(), TimeUnit.NANOSECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new LocalServerException("The wait for PostgreSQL was interrupted.", e);
        }
    }

    /// Stops the server, and kills it if it does not end in time.
    void stop(StopMode mode) {
        ProcessTable.signal(mode.signal(), List.of(pid()));
        ProcessTable.signal("CONT", processes());
        if (!awaitEnd(mode.timeout())) {
            kill();
        }
        watchdog.destroyForcibly();
    }

    /// Kills the server and all its backends at once, as a crash of the machine would.
    void kill() {
        List<Long> processes = processes();
        ProcessTable.signal("KILL", processes);
        awaitEnd(KILL_TIMEOUT);
        processes.forEach(pid -> ProcessTable.awaitEnd(pid, KILL_TIMEOUT));
        watchdog.destroyForcibly();
    }

    void suspend() {
        // The postmaster first, so that it starts no backend after the list was read.
        ProcessTable.signal("STOP", processes());
    }

    void resume() {
        ProcessTable.signal("CONT", processes().reversed());
    }

    private List<Long> processes() {
        List<Long> processes = new ArrayList<>(List.of(pid()));
        processes.addAll(ProcessTable.children(pid()));
        return processes;
    }
}
