package dev.millrace.demo;

import dev.millrace.cli.CommandFailure;
import dev.millrace.cli.DemoLauncher;
import dev.millrace.cli.ExitCode;
import dev.millrace.cli.Terminal;
import dev.millrace.local.LocalServerException;
import java.util.Optional;

/// The verb `demo` over a service that it is given.
public final class DemoVerb implements DemoLauncher {

    private final MigrationService service;

    public DemoVerb(MigrationService service) {
        this.service = service;
    }

    @Override
    public int run(Options options, Terminal terminal) {
        if (options.rows() < 1) {
            throw new CommandFailure(
                    ExitCode.USAGE, "--rows " + options.rows() + ": a shop needs a row", "");
        }
        try {
            return new Demo(service, terminal.out())
                    .run(
                            new DemoSettings(
                                    options.rows(),
                                    options.port(),
                                    Optional.ofNullable(options.dataDir()),
                                    options.exit()));
        } catch (LocalServerException e) {
            throw new CommandFailure(ExitCode.FAILED, String.valueOf(e.getMessage()), "", e);
        }
    }
}
