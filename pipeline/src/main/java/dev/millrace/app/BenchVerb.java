package dev.millrace.app;

import dev.millrace.bench.Bench;
import dev.millrace.bench.BenchPlan;
import dev.millrace.bench.report.Report.Load;
import dev.millrace.cli.CommandFailure;
import dev.millrace.cli.ExitCode;
import dev.millrace.cli.Providers.BenchLauncher;
import dev.millrace.cli.Providers.BenchLauncher.Peer;
import dev.millrace.cli.Terminal;
import dev.millrace.sandbox.FolderLock;
import dev.millrace.sandbox.LocalServerException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/// Implements `bench`: checks the options and runs the benchmark. The service runs as a process of
/// its own with a heap of fixed size, so that results of different machines can be compared.
public final class BenchVerb implements BenchLauncher {

    private static final String LOG = "bench.log";
    private static final List<String> SERVICE_OPTIONS = List.of("-Xmx1g");

    private final InstantSource clock;
    private final Optional<Path> checkout;

    /// @param checkout the checkout that the program was built in; empty in a distribution
    public BenchVerb(InstantSource clock, Optional<Path> checkout) {
        this.clock = clock;
        this.checkout = checkout;
    }

    @Override
    public int run(Options options, Terminal terminal) {
        requirePositive("--runs", options.runs());
        Load load = options.quick() ? Load.QUICK : Load.FULL;
        if (options.rows() != null) {
            requirePositive("--rows", options.rows());
            load = load.withRows(options.rows());
        }
        BenchPlan plan =
                new BenchPlan(
                        options.measures().stream().distinct().toList(),
                        peers(options),
                        load,
                        options.runs(),
                        folder(options.out()),
                        checkout,
                        SERVICE_OPTIONS,
                        true,
                        options.growth(),
                        options.profile());
        // Before the log is opened: another benchmark may write there.
        try (FolderLock _ = FolderLock.take(plan.out(), "The benchmark")) {
            return run(plan, terminal);
        } catch (LocalServerException e) {
            throw new CommandFailure(
                    ExitCode.FAILED,
                    String.valueOf(e.getMessage()),
                    "Set another folder with --out.",
                    e);
        }
    }

    private int run(BenchPlan plan, Terminal terminal) {
        Path log = plan.out().resolve(LOG);
        new LogToFile().open(log);
        try {
            int exitCode = new Bench(plan, clock, terminal.out()).run(plan);
            if (exitCode == ExitCode.DONE) {
                Files.deleteIfExists(log);
            }
            Files.deleteIfExists(plan.out().resolve(FolderLock.FILE));
            return exitCode;
        } catch (IOException e) {
            throw new UncheckedIOException("Cannot delete a file in " + plan.out(), e);
        }
    }

    private List<Peer> peers(Options options) {
        if (options.peers() == null) {
            return Stream.of(Peer.values())
                    .filter(peer -> peer != Peer.CONNECT_JDBC || checkout.isPresent())
                    .toList();
        }
        if (options.peers().contains(Peer.CONNECT_JDBC) && checkout.isEmpty()) {
            throw new CommandFailure(
                    ExitCode.USAGE,
                    "Peer connect-jdbc needs a checkout: its programs are downloaded by the"
                            + " checkout's Maven wrapper, and a distribution has none.",
                    "Run ./millrace bench in a checkout, or choose other peers with --peer.");
        }
        return options.peers().stream().distinct().toList();
    }

    private static void requirePositive(String option, long number) {
        if (number < 1) {
            throw new CommandFailure(
                    ExitCode.USAGE, option + " is " + number + "; it must be at least 1.", "");
        }
    }

    private static Path folder(Path given) {
        Path folder = given.toAbsolutePath().normalize();
        try {
            Files.createDirectories(folder);
            Files.delete(Files.createTempFile(folder, "writable", null));
            return folder;
        } catch (IOException e) {
            throw new CommandFailure(
                    ExitCode.USAGE,
                    "Cannot write to folder " + folder + ": " + e,
                    "Make it writable, or choose another folder with --out.",
                    e);
        }
    }
}
