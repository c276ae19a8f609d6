package dev.millrace.cli;

import dev.millrace.cli.ChangeOptions.Question;
import dev.millrace.cli.support.DoctorCommand;
import dev.millrace.cli.support.ManPages;
import dev.millrace.cli.support.RunbookCommand;
import dev.millrace.cli.support.TokenCommand;
import java.io.PrintWriter;
import picocli.AutoComplete.GenerateCompletion;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.IVersionProvider;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ScopeType;
import picocli.CommandLine.UnmatchedArgumentException;

/// The command line program: defines the commands and turns exceptions into messages and exit
/// codes. Not thread-safe; use one instance per run.
@Command(
        name = "millrace",
        description =
                "Migrates PostgreSQL tables while applications write to them, and verifies"
                        + " the result.",
        mixinStandardHelpOptions = true,
        versionProvider = Millrace.Version.class,
        synopsisSubcommandLabel = "COMMAND",
        commandListHeading = "%nCommands:%n",
        footer = {
            "",
            "Exit codes: 0 done or equal, 1 failed, 2 usage or configuration, 3 refused by a gate,"
                    + " 4 differences found, 5 undecided."
        })
public final class Millrace {

    private final Terminal terminal;
    private final Providers providers;
    private final Pause pause;
    private final Question question;

    @Option(
            names = "--debug",
            scope = ScopeType.INHERIT,
            description = "Print the stack trace of an error.")
    private boolean debug;

    public Millrace(Terminal terminal, Providers providers) {
        this(terminal, providers, Pause::real, Question::real);
    }

    Millrace(Terminal terminal, Providers providers, Pause pause, Question question) {
        this.terminal = terminal;
        this.providers = providers;
        this.pause = pause;
        this.question = question;
    }

    /// @return an [ExitCode]
    public int run(String... arguments) {
        CommandLine line = commandLine();
        return arguments.length == 0 ? help(line) : line.execute(arguments);
    }

    /// The commands with their options, for documentation. Opens nothing.
    public CommandLine commandLine() {
        CommandLine line = new CommandLine(this);
        String version = new Version().getVersion()[0];
        if (providers.demo() != null) {
            line.addSubcommand(new DemoCommand(this, terminal, providers.demo()));
        }
        line.addSubcommand(new ValidateCommand(terminal));
        if (providers.plan() != null) {
            line.addSubcommand(new PlanCommand(terminal, providers.plan()));
        }
        if (providers.run() != null) {
            line.addSubcommand(new RunCommand(this, terminal, providers.run()));
        }
        line.addSubcommand(new StatusCommand(terminal, pause));
        line.addSubcommand(new LagCommand(terminal, pause));
        FlowCommands.all(terminal, pause, question).forEach(line::addSubcommand);
        line.addSubcommand(new ReconcileCommand(terminal, pause));
        line.addSubcommand(new ReportCommand(terminal, pause));
        TrafficCommands.all(terminal, pause, question).forEach(line::addSubcommand);
        EndingCommands.all(terminal, pause, question).forEach(line::addSubcommand);
        line.addSubcommand(new ApproveCommand(terminal, pause, question));
        line.addSubcommand(RejectedCommands.of(terminal, pause, question));
        line.addSubcommand(JournalCommand.of(terminal, pause));
        line.addSubcommand(new LogCommand(terminal, pause));
        line.addSubcommand(new SchemaCommand(terminal));
        line.addSubcommand(new GrantsCommand(terminal));
        line.addSubcommand(new RunbookCommand(terminal));
        line.addSubcommand(new DoctorCommand(terminal, pause, version, providers.plan()));
        line.addSubcommand(new TokenCommand(terminal));
        if (providers.bench() != null) {
            line.addSubcommand(new BenchCommand(terminal, providers.bench()));
        }
        CommandLine completion = new CommandLine(new GenerateCompletion());
        completion.getCommandSpec().usageMessage().hidden(true);
        line.addSubcommand(completion);
        line.addSubcommand(new ManPages.Writer());
        line.setOut(terminal.out());
        line.setErr(terminal.err());
        line.setCaseInsensitiveEnumValuesAllowed(true);
        line.setParameterExceptionHandler((e, _) -> refuse(e));
        line.setExecutionExceptionHandler((e, _, _) -> fail(e));
        return line;
    }

    private static int help(CommandLine line) {
        line.usage(line.getErr());
        return ExitCode.USAGE;
    }

    private int refuse(ParameterException e) {
        PrintWriter err = terminal.err();
        err.println("millrace: " + message(e));
        UnmatchedArgumentException.printSuggestions(e, err);
        err.println("See: " + e.getCommandLine().getCommandSpec().qualifiedName() + " --help");
        return ExitCode.USAGE;
    }

    private static String message(ParameterException e) {
        boolean unknownCommand =
                e instanceof UnmatchedArgumentException unmatched
                        && e.getCommandLine().getParent() == null
                        && !unmatched.isUnknownOption();
        return unknownCommand
                ? "Unknown command '"
                        + ((UnmatchedArgumentException) e).getUnmatched().getFirst()
                        + "'."
                : String.valueOf(e.getMessage());
    }

    private int fail(Exception e) {
        PrintWriter err = terminal.err();
        int exitCode = ExitCode.FAILED;
        if (e instanceof CommandFailure failure) {
            exitCode = failure.exitCode();
            err.println("millrace: " + failure.getMessage());
            if (!failure.remedy().isEmpty()) {
                err.println(failure.remedy());
            }
        } else {
            err.println("millrace: Internal error: " + e.getClass().getName());
            err.println("Run the command again with --debug and report the output.");
        }
        if (debug) {
            e.printStackTrace(err);
        }
        return exitCode;
    }

    boolean debug() {
        return debug;
    }

    /// Reads the version from the jar's manifest. A class path of folders has no version.
    static final class Version implements IVersionProvider {

        @Override
        public String[] getVersion() {
            String version = Millrace.class.getPackage().getImplementationVersion();
            return new String[] {"millrace " + (version == null ? "(not packaged)" : version)};
        }
    }
}
