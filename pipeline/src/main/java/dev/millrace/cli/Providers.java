package dev.millrace.cli;

import dev.millrace.cli.OutputOption.OutputFormat;
import dev.millrace.spec.MigrationSpec;
import dev.millrace.spec.Secret;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.file.Path;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/// Supplies the implementations of `run`, `plan` and `demo`. A command without its provider does
/// not exist. A supplier is called when its command runs, so that other commands do not load its
/// classes.
public record Providers(
        @Nullable Supplier<ServiceLauncher> run,
        @Nullable Supplier<Planner> plan,
        @Nullable Supplier<DemoLauncher> demo) {
    /// Address on which the service listens, and the token that it requires.
    ///
    /// @param bind an address or a host name of this machine
    /// @param port 0 for any free port
    /// @param token [Secret#NONE] for no token, which is allowed only on a loopback address
    public record ServiceAddress(String bind, int port, Secret token) {

        /// Returns whether only programs on this machine can connect. A name that cannot be
        /// resolved does not count as loopback.
        public boolean isLoopback() {
            try {
                return InetAddress.getByName(bind).isLoopbackAddress();
            } catch (UnknownHostException _) {
                return false;
            }
        }

        /// @throws CommandFailure if other machines can connect and no token is set
        public void requireToken() {
            if (!isLoopback() && !token.isPresent()) {
                throw new CommandFailure(
                        ExitCode.USAGE,
                        "Other machines can connect to " + bind + ", but no token is set.",
                        "Set MILLRACE_TOKEN to a secret of your choice, or omit --bind.");
            }
        }
    }

    /// Runs the service in the foreground.
    public interface ServiceLauncher {

        /// Runs the service until it has drained and stopped.
        ///
        /// @param hash hash of the spec's meaning, see `SpecResult.Valid`
        /// @param debug whether stack traces may be printed
        /// @return an [ExitCode]
        int run(MigrationSpec spec, String hash, ServiceAddress address, boolean debug);
    }

    /// Checks source, target, Kafka and mappings. Changes nothing.
    public interface Planner {

        /// Prints the findings to the terminal's `out`.
        ///
        /// @return the exit code of the report's outcome, see [ExitCode#of]
        int plan(MigrationSpec spec, String hash, OutputFormat format, Terminal terminal);
    }

    /// Runs the demonstration with its own servers.
    public interface DemoLauncher {

        /// @return the verdict's [ExitCode]
        int run(Options options, Terminal terminal);

        /// @param rows approximate number of rows in all tables of the shop; above zero
        /// @param exit whether to exit with the verdict instead of staying up
        /// @param port port of the service; 0 for any free port
        /// @param dataDir folder to keep for another run; `null` for a temporary folder
        /// @param debug whether stack traces may be printed
        record Options(long rows, boolean exit, int port, @Nullable Path dataDir, boolean debug) {}
    }
}
