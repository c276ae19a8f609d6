package dev.millrace.cli.support;

import dev.millrace.cli.CommandFailure;
import dev.millrace.cli.ExitCode;
import dev.millrace.cli.Pause;
import dev.millrace.cli.Providers;
import dev.millrace.cli.Providers.OutputFormat;
import dev.millrace.cli.Providers.Planner;
import dev.millrace.cli.ServiceOptions;
import dev.millrace.cli.Terminal;
import dev.millrace.cli.text.TextTable;
import dev.millrace.doctor.Bundle;
import dev.millrace.doctor.Bundle.Outcome;
import dev.millrace.doctor.FileParts;
import dev.millrace.doctor.LogTail;
import dev.millrace.doctor.Redaction;
import dev.millrace.doctor.ServiceParts;
import dev.millrace.problem.Problem;
import dev.millrace.spec.SpecReader;
import dev.millrace.spec.SpecResult;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

@Command(
        name = "doctor",
        description =
                "Write a zip file with diagnostics: what the service shows, its threads, the checks of"
                        + " plan, statistics of both servers and of Kafka. It contains no secret, no"
                        + " value of a row and no text of a statement. What cannot be read is"
                        + " recorded in its manifest.",
        mixinStandardHelpOptions = true)
public final class DoctorCommand implements Callable<Integer> {

    private final Terminal terminal;
    private final Pause pause;
    private final String version;
    private final @Nullable Supplier<Planner> plan;
    @Mixin private ServiceOptions service = new ServiceOptions();

    @Option(
            names = {"-c", "--config"},
            paramLabel = "FILE",
            description = "The migration file. Without it, no server is asked.")
    private @Nullable Path config;

    @Option(
            names = "--log",
            paramLabel = "FILE",
            description = "A log file of the service: its last 2 MiB are included.")
    private @Nullable Path log;

    @Option(
            names = "--out",
            paramLabel = "FILE",
            required = true,
            description = "The zip file to write. It must not exist.")
    private Path out = Path.of("doctor.zip");

    /// @param version of the program
    /// @param plan `null` if this program has no checks
    public DoctorCommand(
            Terminal terminal, Pause pause, String version, @Nullable Supplier<Planner> plan) {
        this.terminal = terminal;
        this.pause = pause;
        this.version = version;
        this.plan = plan;
    }

    @Override
    public Integer call() {
        SpecResult file = config == null ? null : SpecReader.read(config, terminal.environment());
        List<String> secrets = new ArrayList<>();
        secrets.add(terminal.environment().getOrDefault(Providers.ServiceAddress.TOKEN, ""));
        if (file instanceof SpecResult.Valid valid) {
            secrets.addAll(FileParts.secrets(valid.spec()));
        }
        Bundle bundle = new Bundle(new Redaction(secrets));
        bundle.add("environment.json", "versions of Millrace, Java and system", this::environment);
        // Connects when a part is read: a wrong --ca must not prevent the other parts.
        ServiceParts.addTo(
                bundle,
                path -> service.connect(terminal, pause).text(path),
                () -> service.connect(terminal, pause).metrics());
        bundle.add(
                "log.txt",
                "the end of the log file",
                () -> {
                    if (file instanceof SpecResult.Invalid) {
                        throw new Bundle.LeftOut(
                                "the file is not valid, so its secrets are not known; correct the"
                                        + " file");
                    }
                    return LogTail.read(log);
                });
        return switch (file) {
            case null -> {
                Bundle.Content none =
                        () -> {
                            throw new Bundle.LeftOut("no migration file was named with -c");
                        };
                bundle.add("settings.json", "settings of the file", none);
                bundle.add("plan.json", "checks of plan", none);
                yield write(bundle);
            }
            case SpecResult.Invalid(List<Problem> problems) -> {
                bundle.add("settings.json", "settings of the file", () -> refuse(problems));
                yield write(bundle);
            }
            case SpecResult.Valid valid -> {
                bundle.add(
                        "settings.json",
                        "settings of the file",
                        () -> FileParts.masked(valid.settings()));
                bundle.add("plan.json", "checks of plan", () -> plan(valid));
                try (FileParts parts = new FileParts(valid.spec())) {
                    parts.addTo(bundle);
                    yield write(bundle);
                }
            }
        };
    }

    private static String refuse(List<Problem> problems) {
        throw new CommandFailure(
                ExitCode.USAGE,
                "The file is not valid: "
                        + problems.stream()
                                .map(Problem::toString)
                                .collect(Collectors.joining("; ")),
                "");
    }

    private Map<String, String> environment() {
        Map<String, String> facts = new LinkedHashMap<>();
        facts.put("millrace", version);
        for (String property :
                List.of(
                        "java.vm.name",
                        "java.vm.version",
                        "java.vendor",
                        "os.name",
                        "os.version",
                        "os.arch",
                        "file.encoding")) {
            facts.put(property, System.getProperty(property, "unknown"));
        }
        facts.put("processors", String.valueOf(Runtime.getRuntime().availableProcessors()));
        facts.put("now", terminal.clock().instant().toString());
        return facts;
    }

    private String plan(SpecResult.Valid valid) throws Bundle.LeftOut {
        if (plan == null) {
            throw new Bundle.LeftOut("this program has no checks");
        }
        StringWriter printed = new StringWriter();
        Terminal into =
                new Terminal(
                        new PrintWriter(printed, true),
                        terminal.err(),
                        terminal.environment(),
                        terminal.clock(),
                        false,
                        terminal.columns());
        plan.get().plan(valid.spec(), valid.hash(), OutputFormat.json, into);
        return printed.toString();
    }

    private int write(Bundle bundle) {
        List<Outcome> outcomes;
        try {
            outcomes = bundle.write(out, terminal.clock().instant(), version);
        } catch (FileAlreadyExistsException e) {
            throw new CommandFailure(
                    ExitCode.USAGE,
                    out + " exists already. Nothing was written.",
                    "Choose another file with --out.",
                    e);
        } catch (IOException e) {
            throw new CommandFailure(
                    ExitCode.FAILED,
                    "Cannot write " + out + ".",
                    "Check that its folder exists, is writable and has space.",
                    e);
        }
        TextTable table = new TextTable(Integer.MAX_VALUE, "part", "state", "reason");
        outcomes.stream()
                .filter(outcome -> !outcome.state().equals("included"))
                .forEach(outcome -> table.row(outcome.file(), outcome.state(), outcome.reason()));
        long missing = outcomes.stream().filter(one -> !one.state().equals("included")).count();
        if (missing > 0) {
            table.lines().forEach(terminal.out()::println);
        }
        terminal.out()
                .println(
                        out
                                + " has "
                                + (outcomes.size() - missing)
                                + " of "
                                + outcomes.size()
                                + " parts. Look at it before you pass it on: it has names of tables,"
                                + " columns, roles and servers, and your SELECTs.");
        return ExitCode.DONE;
    }
}
