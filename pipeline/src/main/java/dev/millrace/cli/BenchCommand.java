package dev.millrace.cli;

import dev.millrace.cli.Providers.BenchLauncher;
import dev.millrace.cli.Providers.BenchLauncher.Measure;
import dev.millrace.cli.Providers.BenchLauncher.Peer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

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

    @Spec private @Nullable CommandSpec command;

    /// Texts, because picocli reports a wrong value of a list only as an unmatched argument.
    @Parameters(
            paramLabel = "MEASURE",
            arity = "0..*",
            completionCandidates = MeasureNames.class,
            description = "What to measure: ${COMPLETION-CANDIDATES} (default: all).")
    private List<String> measures = new ArrayList<>();

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
            description =
                    "Use 500,000 instead of 2,000,000 rows (10,000,000 of the reconciliation), and"
                            + " fewer changes.")
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
            names = "--growth",
            description =
                    "Also measure how the backfill's rate changes with the number of rows, tables"
                            + " and partitions.")
    private boolean growth;

    @Option(
            names = "--profile",
            description =
                    "Also run backfill and catchup once with Flight Recorder, and report where the"
                            + " service's time goes.")
    private boolean profile;

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
        List<Measure> chosen = measures.stream().map(this::measure).distinct().toList();
        return launcher.get()
                .run(
                        new BenchLauncher.Options(
                                chosen.isEmpty() ? List.of(Measure.values()) : chosen,
                                peers,
                                quick,
                                rows,
                                runs,
                                growth,
                                profile,
                                out),
                        terminal);
    }

    private Measure measure(String name) {
        return Arrays.stream(Measure.values())
                .filter(measure -> measure.toString().equalsIgnoreCase(name))
                .findFirst()
                .orElseThrow(
                        () ->
                                new ParameterException(
                                        Objects.requireNonNull(command).commandLine(),
                                        "Unknown measure '"
                                                + name
                                                + "'. Choose from: "
                                                + String.join(", ", new MeasureNames())
                                                + "."));
    }

    /// The names of the measures, for the help and for completion.
    static final class MeasureNames implements Iterable<String> {

        @Override
        public Iterator<String> iterator() {
            return Arrays.stream(Measure.values()).map(Measure::toString).iterator();
        }
    }
}
