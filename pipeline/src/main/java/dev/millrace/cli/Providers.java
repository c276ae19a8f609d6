package dev.millrace.cli;

import dev.millrace.cli.OutputOption.OutputFormat;
import dev.millrace.spec.MigrationSpec;
import dev.millrace.spec.Secret;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.file.Path;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/// Who does the verbs that this room doesn't do itself. A verb without its provider is absent. A
/// supplier is asked when its verb runs, so that other verbs don't load its classes.
public record Providers(
        @Nullable Supplier<ServiceLauncher> run,
        @Nullable Supplier<Planner> plan,
        @Nullable Supplier<DemoLauncher> demo) {
    /// Where the service listens, and the token that it asks for.
    ///
    /// @param bind an address or a host name of this machine
    /// @param port 0 for any free one
    /// @param token [Secret#NONE] when none is asked for, which only a loopback address allows
    public record ServiceAddress(String bind, int port, Secret token) {

        /// Whether only programs on this machine can reach it. What can't be resolved can be
        /// reached.
        public boolean isLoopback() {
            try {
                return InetAddress.getByName(bind).isLoopbackAddress();
            } catch (UnknownHostException _) {
                return false;
            }
        }
    }

    /// Runs the service in the foreground.
    public interface ServiceLauncher {

        /// Returns when the service has drained and stopped.
        ///
        /// @param hash of the spec's meaning, see `SpecResult.Valid`
        /// @param debug stack traces may be shown
        /// @return an [ExitCode]
        int run(MigrationSpec spec, String hash, ServiceAddress address, boolean debug);
    }

    /// Checks source, target, Kafka and mappings, and changes nothing.
    public interface Planner {

        /// Prints each check with status, object and remedy to the terminal's `out`.
        ///
        /// @return [ExitCode#DONE] when every check passed, [ExitCode#REFUSED] when one didn't
        int plan(MigrationSpec spec, String hash, OutputFormat format, Terminal terminal);
    }

    /// Runs the demonstration, with servers of its own.
    public interface DemoLauncher {

        /// @return the verdict's [ExitCode]
        int run(Options options, Terminal terminal);

        /// @param rows in all tables of the shop, about; above zero
        /// @param exit leave with the verdict instead of staying up
        /// @param port of the service; 0 for any free one
        /// @param dataDir kept for another run; `null` for a folder of its own, deleted at the end
        /// @param debug stack traces may be shown
        record Options(long rows, boolean exit, int port, @Nullable Path dataDir, boolean debug) {}
    }
}
