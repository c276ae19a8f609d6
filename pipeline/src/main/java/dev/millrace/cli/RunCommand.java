package dev.millrace.cli;

import dev.millrace.cli.Providers.ServiceAddress;
import dev.millrace.cli.Providers.ServiceLauncher;
import dev.millrace.spec.Secret;
import dev.millrace.spec.SpecResult;
import java.util.concurrent.Callable;
import java.util.function.Supplier;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

@Command(
        name = "run",
        description =
                "Run the service of the migration in the foreground. SIGTERM drains and"
                        + " commits.",
        mixinStandardHelpOptions = true)
final class RunCommand implements Callable<Integer> {

    private final Terminal terminal;
    private final Supplier<ServiceLauncher> launcher;
    private final Millrace program;
    @Mixin private SpecOption spec = new SpecOption();

    @Option(
            names = "--port",
            description = "Port of the service (default: ${DEFAULT-VALUE}).",
            defaultValue = ServiceAddress.PORT)
    private int port;

    @Option(
            names = "--bind",
            paramLabel = "ADDRESS",
            description =
                    "Address to listen on (default: ${DEFAULT-VALUE}). An address other than"
                            + " loopback requires MILLRACE_TOKEN, or access in the file.",
            defaultValue = ServiceAddress.BIND)
    private String bind = ServiceAddress.BIND;

    @Option(
            names = "--rebackfill",
            description =
                    "If the log is lost, for example with its folder, read every row again instead"
                            + " of refusing the start. No table is emptied.")
    private boolean rebackfill;

    @Option(
            names = "--paused",
            description =
                    "At the first start, wait: nothing is read for the backfill and nothing is"
                            + " written to the target tables until 'millrace resume all' or the"
                            + " console's button. A migration that has begun continues as it was."
                            + " Not with 'backfill: engine'.")
    private boolean paused;

    RunCommand(Millrace program, Terminal terminal, Supplier<ServiceLauncher> launcher) {
        this.program = program;
        this.terminal = terminal;
        this.launcher = launcher;
    }

    @Override
    public Integer call() {
        SpecResult.Valid valid = spec.read(terminal);
        ServiceAddress address =
                new ServiceAddress(
                        bind,
                        port,
                        Secret.of(terminal.environment().getOrDefault(ServiceAddress.TOKEN, "")));
        if (!valid.access().isPresent()) {
            address.requireToken();
        }
        return launcher.get()
                .run(
                        valid,
                        new ServiceLauncher.Options(address, rebackfill, paused, program.debug()));
    }
}
