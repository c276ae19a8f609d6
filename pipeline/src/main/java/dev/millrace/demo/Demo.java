package dev.millrace.demo;

import dev.millrace.sandbox.Folders;
import dev.millrace.sandbox.LoopbackPort;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/// Runs the demonstration: starts servers, shop, traffic and service, and plays [DemoScript]. At
/// the end, also after Ctrl-C, it stops everything in reverse order. One thread calls [#run];
/// [#leave] is thread-safe.
public final class Demo {

    static final int FAILED = 1;
    static final int INTERRUPTED = 130;
    static final String LOG_FILE = "millrace.log";

    private final MigrationService service;
    private final LogFile log;
    private final PrintWriter out;
    private final Duration timeOnEachSide;
    private final CountDownLatch leaving = new CountDownLatch(1);
    private final CountDownLatch left = new CountDownLatch(1);

    public Demo(MigrationService service, LogFile log, PrintWriter out) {
        this(service, log, out, Duration.ofSeconds(5));
    }

    /// @param timeOnEachSide time of traffic after each move of its writes
    Demo(MigrationService service, LogFile log, PrintWriter out, Duration timeOnEachSide) {
        this.timeOnEachSide = timeOnEachSide;
        this.service = service;
        this.log = log;
        this.out = out;
    }

    /// @return 0 equal and nothing lost, 4 different, 5 undecided, 1 failed, 130 interrupted before
    ///   everything had started
    /// @throws dev.millrace.sandbox.LocalServerException if a server cannot be started or the
    ///   service's port is in use
    public int run(DemoSettings settings) {
        if (settings.port() != 0) {
            LoopbackPort.requireFree(settings.port(), "the demo's service");
        }
        Thread hook = new Thread(this::leaveAndWait, "demo-shutdown");
        Runtime.getRuntime().addShutdownHook(hook);
        try {
            return settings.dataDir().isPresent()
                    ? runIn(folder(settings.dataDir().get()), settings)
                    : runInTemporaryFolder(settings);
        } finally {
            left.countDown();
            removeHook(hook);
        }
    }

    /// Asks the demo to stop. Returns immediately.
    public void leave() {
        leaving.countDown();
    }

    /// Deletes the folder at the end. Only the log is kept, and only if the demo failed.
    private int runInTemporaryFolder(DemoSettings settings) {
        Path folder = temporary();
        try {
            return runIn(folder, settings);
        } finally {
            delete(folder);
        }
    }

    private int runIn(Path folder, DemoSettings settings) {
        Path file = folder.resolve(LOG_FILE);
        log.open(file);
        say("Starting two PostgreSQL servers under " + folder);
        say("Servers and service log to " + file);
        boolean failed = true;
        try {
            int exitCode = conduct(folder, settings);
            failed = exitCode == FAILED;
            return exitCode;
        } catch (SQLException | RuntimeException e) {
            if (isLeaving()) {
                failed = false;
                return INTERRUPTED;
            }
            if (e instanceof RuntimeException fault) {
                throw fault;
            }
            throw new IllegalStateException("Cannot create the demo's shop.", e);
        } finally {
            if (failed) {
                say(
                        "See the log for the cause: "
                                + (settings.dataDir().isPresent() ? file : kept(file)));
            }
        }
    }

    private int conduct(Path folder, DemoSettings settings) throws SQLException {
        try (Servers servers = Servers.start(folder)) {
            if (isLeaving()) {
                return INTERRUPTED;
            }
            boolean created = servers.fill(settings.rows());
            say(
                    created
                            ? "Created the shop: 16 tables on the source, to be migrated to 19"
                                    + " tables on the target"
                            : "Using the shop of an earlier run");
            Path spec = SpecFile.write(folder, servers);
            try (Traffic traffic = Traffic.start(servers.route(), Traffic.Settings.gentle())) {
                if (isLeaving()) {
                    return INTERRUPTED;
                }
                say("Live traffic is running. Migration file: " + spec);
                int port = settings.port() == 0 ? LoopbackPort.free() : settings.port();
                try (MigrationService.Running running = service.start(spec, port)) {
                    return new DemoScript(
                                    new ServiceHttp(running.address()),
                                    running.address(),
                                    traffic,
                                    this::say,
                                    this::await,
                                    timeOnEachSide)
                            .play(settings.exit());
                }
            }
        }
    }

    /// Waits and returns whether the demo was asked to stop.
    private boolean await(Duration atMost) {
        try {
            return leaving.await(atMost.toMillis(), TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return true;
        }
    }

    /// Returns whether the demo was asked to stop or the JVM is shutting down. During a shutdown
    /// whose hook has not run yet, failures are a consequence of the shutdown.
    private boolean isLeaving() {
        if (leaving.getCount() == 0) {
            return true;
        }
        Thread probe = new Thread();
        try {
            Runtime.getRuntime().addShutdownHook(probe);
            Runtime.getRuntime().removeShutdownHook(probe);
            return false;
        } catch (IllegalStateException _) {
            return true;
        }
    }

    private void leaveAndWait() {
        leave();
        try {
            left.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private static void removeHook(Thread hook) {
        try {
            Runtime.getRuntime().removeShutdownHook(hook);
        } catch (IllegalStateException _) {
            // The JVM is already shutting down and runs the hook.
        }
    }

    private void say(String line) {
        out.println(line);
        out.flush();
    }

    private static Path folder(Path given) {
        try {
            return Files.createDirectories(given.toAbsolutePath().normalize());
        } catch (IOException e) {
            throw new UncheckedIOException("Cannot create folder " + given, e);
        }
    }

    private static Path temporary() {
        try {
            return Files.createTempDirectory("millrace-demo-");
        } catch (IOException e) {
            throw new UncheckedIOException("Cannot create a temporary folder.", e);
        }
    }

    /// Moves the log out of the folder that is about to be deleted.
    private static Path kept(Path file) {
        Path kept = Path.of(file.getParent() + ".log");
        try {
            return Files.move(file, kept);
        } catch (IOException _) {
            return file;
        }
    }

    private void delete(Path folder) {
        try {
            Folders.delete(folder);
        } catch (IOException e) {
            say("Cannot delete folder " + folder + ": " + e);
        }
    }

    /// Redirects the log from the terminal to a file while the demo runs.
    public interface LogFile {

        /// Sends all further log events to this file only.
        void open(Path file);
    }

    /// Options of the demo.
    ///
    /// @param rows approximate number of rows in all tables of the shop
    /// @param port port of the service; 0 for any free port
    /// @param dataDir folder to keep for another run; empty for a temporary folder that is deleted
    ///   at the end
    /// @param exit whether to exit with the verdict instead of staying up
    public record DemoSettings(long rows, int port, Optional<Path> dataDir, boolean exit) {

        public DemoSettings {
            if (rows < 1) {
                throw new IllegalArgumentException(
                        "The shop needs at least one row, got " + rows + ".");
            }
        }
    }

    /// Runs the service in this process, as `millrace run` does.
    public interface MigrationService {

        /// Returns when the service accepts requests on this port of 127.0.0.1.
        Running start(Path specFile, int port);

        /// A running service.
        interface Running extends AutoCloseable {

            URI address();

            /// Drains and stops the service. Further calls have no effect.
            @Override
            void close();
        }
    }
}
