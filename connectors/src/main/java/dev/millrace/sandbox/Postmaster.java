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

/// One running server process with its watchdog. The watchdog is a shell that reads a pipe from
/// this process: the pipe ends when we end, however we end, and then the server ends. The server
/// itself waits for a word from us until the watchdog stands, so there is no moment without one.
/// Both are sessions of their own where `setsid` exists, so neither a terminal's Ctrl-C nor a kill
/// of our process group reaches them.
final class Postmaster {

    private static final String LAUNCHER = "read -r _ || exit 1; exec \"$@\" < /dev/null";
    private static final String WATCHDOG =
            "trap '' HUP INT TERM; read -r _; kill -QUIT \"$1\"; kill -CONT \"$1\"";
    private static final boolean SETSID = ProcessTable.isOnThePath("setsid");
    private static final Duration UNTIL_KILLED = Duration.ofSeconds(10);

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
            try (OutputStream word = server.getOutputStream()) {
                word.write("go\n".getBytes(StandardCharsets.US_ASCII));
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
            throw new LocalServerException("PostgreSQL's process can't be started: " + e, e);
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

    boolean lives() {
        return server.isAlive();
    }

    /// Whether the server took connections before the deadline; false as soon as it has ended.
    boolean awaitReady(Duration atMost) {
        long deadline = System.nanoTime() + atMost.toNanos();
        while (!PidFile.read(data).map(file -> file.pid() == pid() && file.ready()).orElse(false)) {
            if (System.nanoTime() - deadline > 0 || hasEndedWithin(Duration.ofMillis(10))) {
                return false;
            }
        }
        return true;
    }

    boolean hasEndedWithin(Duration atMost) {
        try {
            return server.waitFor(atMost.toNanos(), TimeUnit.NANOSECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new LocalServerException("interrupted while waiting for PostgreSQL", e);
        }
    }

    /// Ends the server in the given way; one that does not end in time is killed.
    void stop(StopMode mode) {
        ProcessTable.signal(mode.signal(), List.of(pid()));
        ProcessTable.signal("CONT", family());
        if (!hasEndedWithin(mode.atMost())) {
            kill();
        }
        watchdog.destroyForcibly();
    }

    /// The server and all its backends vanish at once, as in a crash of the machine.
    void kill() {
        List<Long> family = family();
        ProcessTable.signal("KILL", family);
        hasEndedWithin(UNTIL_KILLED);
        family.forEach(pid -> ProcessTable.awaitEnd(pid, UNTIL_KILLED));
        watchdog.destroyForcibly();
    }

    void suspend() {
        // The postmaster first, so that no backend is born unseen.
        ProcessTable.signal("STOP", family());
    }

    void resume() {
        ProcessTable.signal("CONT", family().reversed());
    }

    private List<Long> family() {
        List<Long> family = new ArrayList<>(List.of(pid()));
        family.addAll(ProcessTable.children(pid()));
        return family;
    }
}
