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
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import tools.jackson.databind.JsonNode;

/// Conducts the demonstration: servers, shop, traffic, service, in sync, reconcile under traffic,
/// report. Everything it starts is ended in the opposite order when it leaves, also by Ctrl-C. One
/// thread runs it; [#leave] may come from any.
public final class Demo {

    static final int FAILED = 1;
    static final int TOLD_TO_LEAVE = 130;
    static final String LOG_FILE = "millrace.log";

    private static final Duration BETWEEN_LOOKS = Duration.ofSeconds(1);
    private static final Duration UNTIL_GIVEN_UP = Duration.ofMinutes(15);

    private final MigrationService service;
    private final LogFile log;
    private final PrintWriter out;
    private final CountDownLatch leaving = new CountDownLatch(1);
    private final CountDownLatch left = new CountDownLatch(1);

    public Demo(MigrationService service, LogFile log, PrintWriter out) {
        this.service = service;
        this.log = log;
        this.out = out;
    }

    /// @return 0 equal, 4 different, 5 undecided, 1 failed, 130 told to leave before all had
    ///   started
    /// @throws dev.millrace.sandbox.LocalServerException when a server can't be started, or the
    ///   service's port is in use
    public int run(DemoSettings settings) {
        if (settings.port() != 0) {
            LoopbackPort.requireFree(settings.port(), "the demo's service");
        }
        Thread hook = new Thread(this::leaveAndWait, "demo-leaves");
        Runtime.getRuntime().addShutdownHook(hook);
        try {
            return settings.dataDir().isPresent()
                    ? runIn(folder(settings.dataDir().get()), settings)
                    : runInFolderOfItsOwn(settings);
        } finally {
            left.countDown();
            removeHook(hook);
        }
    }

    /// Ends the demo soon.
    public void leave() {
        leaving.countDown();
    }

    /// Nothing of it stays, but the log when the demo failed.
    private int runInFolderOfItsOwn(DemoSettings settings) {
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
        say("What servers and service log goes to " + file);
        boolean failed = true;
        try {
            int exitCode = conduct(folder, settings);
            failed = exitCode == FAILED;
            return exitCode;
        } catch (SQLException | RuntimeException e) {
            if (isLeaving()) {
                failed = false;
                return TOLD_TO_LEAVE;
            }
            if (e instanceof RuntimeException fault) {
                throw fault;
            }
            throw new IllegalStateException("the demo's shop can't be made", e);
        } finally {
            if (failed) {
                say("The log may say why: " + (settings.dataDir().isPresent() ? file : kept(file)));
            }
        }
    }

    private int conduct(Path folder, DemoSettings settings) throws SQLException {
        try (Servers servers = Servers.start(folder)) {
            if (isLeaving()) {
                return TOLD_TO_LEAVE;
            }
            boolean made = servers.fill(settings.rows());
            say(
                    made
                            ? "The shop is open: 15 tables on the source, to become 18 others on the"
                                    + " target"
                            : "The shop of an earlier run is open again");
            Path spec = SpecFile.write(folder, servers);
            try (Traffic traffic =
                    Traffic.start(
                            () -> servers.source().connect(Servers.SHOP),
                            Traffic.Settings.gentle())) {
                if (isLeaving()) {
                    return TOLD_TO_LEAVE;
                }
                say("Live traffic runs; the migration is " + spec);
                int port = settings.port() == 0 ? LoopbackPort.free() : settings.port();
                try (MigrationService.Running running = service.start(spec, port)) {
                    return watch(new ServiceHttp(running.address()), running, traffic, settings);
                }
            }
        }
    }

    private int watch(
            ServiceHttp http,
            MigrationService.Running running,
            Traffic traffic,
            DemoSettings settings) {
        Optional<String> trouble = awaitInSync(http);
        if (isLeaving()) {
            return TOLD_TO_LEAVE;
        }
        if (trouble.isPresent()) {
            say("The demo ends: " + trouble.get());
            return FAILED;
        }
        say("In sync. Comparing every row of both sides while traffic goes on");
        Optional<JsonNode> report = awaitReport(http);
        if (report.isEmpty()) {
            return isLeaving() ? TOLD_TO_LEAVE : FAILED;
        }
        Verdict verdict = Verdict.of(report.get().path("verdict").asString(""));
        DemoReport.verdict(report.get()).forEach(this::say);
        say("Verdict: " + verdict.name().toLowerCase(Locale.ROOT));
        if (!settings.exit()) {
            stayUp(running, traffic);
        }
        say(trafficLine(traffic));
        return verdict.exitCode();
    }

    private void stayUp(MigrationService.Running running, Traffic traffic) {
        say(trafficLine(traffic));
        say("The service answers at " + running.address() + "; try, in another terminal:");
        say("  ./millrace status --watch --url " + running.address());
        say("  ./millrace reconcile --url " + running.address());
        say("Traffic goes on until Ctrl-C.");
        await(Duration.ofDays(365));
    }

    /// Empty when in sync, else why not.
    private Optional<String> awaitInSync(ServiceHttp http) {
        long deadline = System.nanoTime() + UNTIL_GIVEN_UP.toNanos();
        String last = "";
        while (System.nanoTime() - deadline < 0) {
            try {
                JsonNode status = http.status();
                String phase = status.path("phase").asString("?");
                String line = DemoReport.progress(status);
                if (!line.equals(last)) {
                    say(line);
                    last = line;
                }
                if (phase.equals("IN_SYNC")) {
                    return Optional.empty();
                }
                if (phase.equals("FAILED")) {
                    return Optional.of("the migration failed: " + status.path("blockers"));
                }
            } catch (IOException e) {
                say("No status: " + e.getMessage());
            }
            if (await(BETWEEN_LOOKS)) {
                return Optional.of("told to leave");
            }
        }
        return Optional.of("not in sync after " + UNTIL_GIVEN_UP.toMinutes() + " minutes");
    }

    /// Empty when there is none to be had.
    private Optional<JsonNode> awaitReport(ServiceHttp http) {
        long deadline = System.nanoTime() + UNTIL_GIVEN_UP.toNanos();
        try {
            String id = http.reconcile();
            while (System.nanoTime() - deadline < 0) {
                JsonNode report = http.reconciliation(id);
                if (report.path("finishedAt").isString()) {
                    return Optional.of(report);
                }
                if (await(BETWEEN_LOOKS)) {
                    return Optional.empty();
                }
            }
            say("The demo ends: no verdict after " + UNTIL_GIVEN_UP.toMinutes() + " minutes");
        } catch (IOException e) {
            say("The demo ends: no verdict to be had: " + e.getMessage());
        }
        return Optional.empty();
    }

    private static String trafficLine(Traffic traffic) {
        return String.format(
                Locale.ROOT,
                "Traffic so far: %,d transactions, %,d rows written, failures %s",
                traffic.transactions(),
                traffic.rowsWritten(),
                traffic.failures().isEmpty() ? "none" : traffic.failures());
    }

    /// Whether the demo is to leave.
    private boolean await(Duration atMost) {
        try {
            return leaving.await(atMost.toMillis(), TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return true;
        }
    }

    /// Also when the process is going down and the hook hasn't begun yet: then whatever fails,
    /// fails because of that.
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
            // The process is going down already, and the hook is why we are here.
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
            throw new UncheckedIOException(given + " can't be made", e);
        }
    }

    private static Path temporary() {
        try {
            return Files.createTempDirectory("millrace-demo-");
        } catch (IOException e) {
            throw new UncheckedIOException("no temporary folder can be made", e);
        }
    }

    /// Beside the folder that is about to be deleted.
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
            say("The folder " + folder + " could not be deleted: " + e);
        }
    }

    /// Where the process logs to while the demo runs: a file in place of the terminal.
    public interface LogFile {

        /// From now on everything that is logged goes to this file and nowhere else.
        void open(Path file);
    }

    /// What the user asked of the demo.
    ///
    /// @param rows of the shop, in all tables together, about
    /// @param port of the service; 0: any free one
    /// @param dataDir where servers and log are kept; empty: a folder of its own that is deleted at
    ///   the end
    /// @param exit leave with the verdict instead of staying up
    public record DemoSettings(long rows, int port, Optional<Path> dataDir, boolean exit) {

        public DemoSettings {
            if (rows < 1) {
                throw new IllegalArgumentException("a shop needs at least one row: " + rows);
            }
        }
    }

    /// Runs the service as `millrace run` does, in this process.
    public interface MigrationService {

        /// Returns when the service answers on that port of 127.0.0.1.
        Running start(Path specFile, int port);

        /// A service that runs until closed.
        interface Running extends AutoCloseable {

            URI address();

            /// Drains and ends it; again it does nothing.
            @Override
            void close();
        }
    }
}
