package dev.millrace.app;

import dev.millrace.cli.CommandFailure;
import dev.millrace.cli.ExitCode;
import dev.millrace.cli.Providers.DemoLauncher;
import dev.millrace.cli.Providers.ServiceAddress;
import dev.millrace.cli.Terminal;
import dev.millrace.demo.Demo;
import dev.millrace.demo.Demo.DemoSettings;
import dev.millrace.demo.Demo.MigrationService;
import dev.millrace.migration.StartOptions;
import dev.millrace.sandbox.LocalServerException;
import dev.millrace.spec.Secret;
import dev.millrace.spec.SpecReader;
import dev.millrace.spec.SpecResult;
import java.net.URI;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/// Implements `demo`: runs a complete migration on this machine with its own servers.
public final class DemoVerb implements DemoLauncher {

    private final InstantSource clock;

    public DemoVerb(InstantSource clock) {
        this.clock = clock;
    }

    @Override
    public int run(Options options, Terminal terminal) {
        if (options.rows() < 1) {
            throw new CommandFailure(
                    ExitCode.USAGE, "--rows is " + options.rows() + "; it must be at least 1.", "");
        }
        MillraceService.requirePort(options.port());
        DemoSettings settings =
                new DemoSettings(
                        options.rows(),
                        options.port(),
                        Optional.ofNullable(options.dataDir()),
                        options.exit());
        try {
            return new Demo(this::start, new LogToFile(), terminal.out()).run(settings);
        } catch (LocalServerException e) {
            throw new CommandFailure(
                    ExitCode.FAILED,
                    String.valueOf(e.getMessage()),
                    "Set another folder with --data-dir or another port with --port.",
                    e);
        }
    }

    private MigrationService.Running start(Path file, int port) {
        SpecResult.Valid valid =
                switch (SpecReader.read(file, Map.of())) {
                    case SpecResult.Valid read -> read;
                    case SpecResult.Invalid invalid ->
                            throw new CommandFailure(
                                    ExitCode.FAILED,
                                    invalid.problems().stream()
                                            .map(Object::toString)
                                            .collect(Collectors.joining("\n")),
                                    "");
                };
        MillraceService service =
                new RunVerb(clock)
                        .start(
                                valid,
                                new ServiceAddress("127.0.0.1", port, Secret.NONE),
                                StartOptions.STANDARD);
        return new MigrationService.Running() {
            @Override
            public URI address() {
                return service.url();
            }

            @Override
            public void close() {
                service.close();
            }
        };
    }
}
