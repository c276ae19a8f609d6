package dev.millrace.cli;

import dev.millrace.cli.Providers.BenchLauncher;
import dev.millrace.cli.Providers.BenchLauncher.Measure;
import dev.millrace.cli.Providers.BenchLauncher.Peer;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(
        name = "bench",
        description = {
            "Measure Millrace beside its peers on this machine, in the same run and on the same"
                    + " data. Starts two PostgreSQL servers and everything else that it needs,"
                    + " compares every row of each target, and writes a report with plots.",
            "Exit code 1 if a contestant fails or a target differs in any row."
        },
        mixinStandardHelpOptions = true)
final class BenchCommand implements Callable<Integer> {

    private final Terminal terminal;
    private final Supplier<BenchLauncher> launcher;

    @Parameters(
            paramLabel = "MEASURE",
            arity = "0..*",
            description = "What to measure: ${COMPLETION-CANDIDATES} (default: all).")
    private List<Measure> measures = List.of(Measure.values());

    @Option(
            names = "--peer",
            paramLabel = "PEER",
            split = ",",
            description =
                    "Measure beside this peer: ${COMPLETION-CANDIDATES} (default: all;"
                            + " connect-jdbc only in a checkout, whose Maven wrapper downloads it)."
                            + " Can be repeated.")
    private @Nullable List<Peer> peers;

    @Option(
            names = "--quick",
            description = "Use 500,000 instead of 2,000,000 rows, and fewer changes.")
    private boolean quick;

    @Option(
            names = "--rows",
            paramLabel = "N",
            description = "Number of rows of the backfill and of the reconciliation.")
    private @Nullable Long rows;

    @Option(
            names = "--runs",
            paramLabel = "N",
            description = "Runs of each contestant (default: ${DEFAULT-VALUE}).",
            defaultValue = "3")
    private int runs;

    @Option(
            names = "--out",
            paramLabel = "FOLDER",
            description =
                    "Folder for performance.md, performance.json, plots and logs (default:"
                            + " ${DEFAULT-VALUE}).",
            defaultValue = "millrace-bench")
    private Path out = Path.of("millrace-bench");

    BenchCommand(Terminal terminal, Supplier<BenchLauncher> launcher) {
        this.terminal = terminal;
        this.launcher = launcher;
    }

    @Override
    public Integer call() {
        return launcher.get()
                .run(new BenchLauncher.Options(measures, peers, quick, rows, runs, out), terminal);
    }
}
