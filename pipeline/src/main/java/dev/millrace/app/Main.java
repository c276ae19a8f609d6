package dev.millrace.app;

import dev.millrace.cli.Millrace;
import dev.millrace.cli.Providers;
import dev.millrace.cli.Terminal;
import java.nio.file.Path;
import java.time.ZoneOffset;
import java.util.Optional;
import java.util.TimeZone;

/// Starts the program and wires the commands to their implementations. Classes that a command does
/// not need are not loaded, so that client commands start fast.
public final class Main {

    private Main() {}

    public static void main(String[] arguments) {
        TimeZone.setDefault(TimeZone.getTimeZone(ZoneOffset.UTC));
        Terminal terminal = Terminal.ofProcess();
        Providers providers =
                new Providers(
                        () -> new RunVerb(SteadyClock.ofProcess()),
                        PreflightPlanner::new,
                        () -> new DemoVerb(SteadyClock.ofProcess()),
                        () -> new BenchVerb(SteadyClock.ofProcess(), checkout()));
        int exitCode = new Millrace(terminal, providers).run(arguments);
        terminal.out().flush();
        terminal.err().flush();
        System.exit(exitCode);
    }

    /// The checkout, as the launcher passes it.
    private static Optional<Path> checkout() {
        return Optional.ofNullable(System.getProperty("millrace.checkout")).map(Path::of);
    }
}
