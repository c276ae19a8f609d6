package dev.millrace.cli;

import dev.millrace.spec.MigrationSpec;
import dev.millrace.spec.Secret;
import dev.millrace.spec.SpecResult;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/// Supplies the implementations of `run`, `plan`, `demo` and `bench`. A command without its
/// provider does not exist. A supplier is called when its command runs, so that other commands do
/// not load its classes.
public record Providers(
        @Nullable Supplier<ServiceLauncher> run,
        @Nullable Supplier<Planner> plan,
        @Nullable Supplier<DemoLauncher> demo,
        @Nullable Supplier<BenchLauncher> bench) {

    /// Output format of a command: a table for people or JSON for programs.
    public enum OutputFormat {
        table,
        json
    }

    /// Address on which the service listens, and the token that it requires.
    ///
    /// @param bind an address or a host name of this machine
    /// @param port 0 for any free port
    /// @param token [Secret#NONE] for no token, which is allowed only on a loopback address
    public record ServiceAddress(String bind, int port, Secret token) {

        public static final String BIND = "127.0.0.1";
        public static final String PORT = "8080";

        /// The variable of the environment that has the token.
        public static final String TOKEN = "MILLRACE_TOKEN";

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
                        "Set MILLRACE_TOKEN to a secret of your choice, add access to the file, or"
                                + " omit --bind.");
            }
        }
    }

    /// Runs the service in the foreground.
    public interface ServiceLauncher {

        /// Runs the service until it has drained and stopped.
        ///
        /// @return an [ExitCode]
        int run(SpecResult.Valid file, Options options);

        /// @param rebackfill whether every row is read again if the log is lost
        /// @param paused whether the first start waits for `resume all`
        /// @param debug whether stack traces may be printed
        record Options(ServiceAddress address, boolean rebackfill, boolean paused, boolean debug) {}
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

    /// Measures the service beside its peers.
    public interface BenchLauncher {

        /// @return an [ExitCode]; failed if a contestant failed or a target differed
        int run(Options options, Terminal terminal);

        /// What is measured. The name in lower case is the argument of the command.
        enum Measure {
            BACKFILL,
            STREAM,
            LATENCY,
            CATCHUP,
            RECONCILE;

            @Override
            public String toString() {
                return name().toLowerCase(Locale.ROOT);
            }
        }

        /// What is measured beside Millrace.
        enum Peer {
            /// Kafka Connect with the Debezium source and the Debezium JDBC sink.
            CONNECT_JDBC,
            /// PostgreSQL's logical replication.
            NATIVE,
            /// One COPY out piped into one COPY in: the physical limit.
            COPY_PIPE;

            @Override
            public String toString() {
                return name().toLowerCase(Locale.ROOT).replace('_', '-');
            }
        }

        /// @param peers `null` for all peers that can run here
        /// @param rows rows of the backfill and of the reconciliation; `null` for the default
        /// @param growth whether to measure how the rate changes as the work grows
        /// @param profile whether to profile the service
        /// @param out folder for the report
        record Options(
                List<Measure> measures,
                @Nullable List<Peer> peers,
                boolean quick,
                @Nullable Long rows,
                int runs,
                boolean growth,
                boolean profile,
                Path out) {}
    }
}
