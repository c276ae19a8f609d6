package dev.millrace.cli;

import dev.millrace.cli.Providers.DemoLauncher;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

@Command(
        name = "demo",
        description =
                "Start two PostgreSQL servers, migrate a shop with live traffic between them and"
                        + " compare both sides. Needs no Docker and no network.",
        mixinStandardHelpOptions = true)
final class DemoCommand implements Callable<Integer> {

    private final Terminal terminal;
    private final Supplier<DemoLauncher> launcher;
    private final Millrace program;

    @Option(
            names = "--rows",
            description =
                    "Approximate number of rows in all tables of the shop (default:"
                            + " ${DEFAULT-VALUE}).",
            defaultValue = "50000")
    private long rows;

    @Option(
            names = "--data-dir",
            paramLabel = "FOLDER",
            description =
                    "Keep the servers and the log in this folder for another run (default: a"
                            + " temporary folder that is deleted at the end).")
    private @Nullable Path dataDir;

    @Option(
            names = "--exit",
            description =
                    "Move the traffic to the target and back, and exit with the verdict's exit code"
                            + " instead of staying up.")
    private boolean exit;

    @Option(
            names = "--port",
            description = "Port of the service (default: ${DEFAULT-VALUE}).",
            defaultValue = "8080")
    private int port;

    DemoCommand(Millrace program, Terminal terminal, Supplier<DemoLauncher> launcher) {
        this.program = program;
        this.terminal = terminal;
        this.launcher = launcher;
    }

    @Override
    public Integer call() {
        return launcher.get()
                .run(
                        new DemoLauncher.Options(rows, exit, port, dataDir, program.debug()),
                        terminal);
    }
}
