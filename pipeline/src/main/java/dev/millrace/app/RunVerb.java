package dev.millrace.app;

import dev.millrace.cli.CommandFailure;
import dev.millrace.cli.ExitCode;
import dev.millrace.cli.Providers.ServiceAddress;
import dev.millrace.cli.Providers.ServiceLauncher;
import dev.millrace.http.MigrationHost.ServedMigration;
import dev.millrace.kafka.BrokerException;
import dev.millrace.lifecycle.Reason;
import dev.millrace.migration.MigrationControl;
import dev.millrace.migration.RefusedException;
import dev.millrace.preflight.Finding;
import dev.millrace.preflight.PreflightReport;
import dev.millrace.sandbox.LocalServerException;
import dev.millrace.spec.MigrationSpec;
import java.sql.SQLException;
import java.time.InstantSource;
import java.util.List;

/// The verb `run`: the service in the foreground. What keeps it from starting becomes a message and
/// an exit code.
public final class RunVerb implements ServiceLauncher {

    private final InstantSource clock;

    public RunVerb(InstantSource clock) {
        this.clock = clock;
    }

    @Override
    public int run(MigrationSpec spec, String hash, ServiceAddress address, boolean debug) {
        try (MillraceService service = start(spec, hash, address)) {
            Thread hook = new Thread(service::close, "drain");
            Runtime.getRuntime().addShutdownHook(hook);
            return service.awaitEnd();
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
            return ExitCode.FAILED;
        }
    }

    /// Starts the service and returns when it answers.
    ///
    /// @throws CommandFailure when it may not or can't start
    MillraceService start(MigrationSpec spec, String hash, ServiceAddress address) {
        try {
            return MillraceService.start(address, () -> open(spec, hash));
        } catch (CommandFailure failure) {
            throw failure;
        } catch (RefusedException refused) {
            throw new CommandFailure(
                    ExitCode.REFUSED, String.valueOf(refused.getMessage()), "", refused);
        } catch (SQLException | BrokerException fault) {
            throw new CommandFailure(
                    ExitCode.FAILED,
                    "a server stopped answering while the migration was started: "
                            + Reason.of(fault).orElse(fault.getClass().getSimpleName()),
                    "Check the server's log, then start again: the migration continues where it"
                            + " stopped.",
                    fault);
        } catch (LocalServerException fault) {
            throw new CommandFailure(
                    ExitCode.FAILED,
                    String.valueOf(fault.getMessage()),
                    "Another folder is named by data-dir in the file.",
                    fault);
        } catch (RuntimeException fault) {
            throw fault;
        } catch (Exception fault) {
            throw new IllegalStateException("the service did not start", fault);
        }
    }

    private ServedMigration open(MigrationSpec spec, String hash) throws Exception {
        String who = System.getProperty("user.name", "unknown");
        return switch (MigrationAssembly.open(spec, hash, clock, who)) {
            case MigrationAssembly.Outcome.Started(MigrationAssembly assembly) -> served(assembly);
            case MigrationAssembly.Outcome.Refused(PreflightReport report) -> throw refusal(report);
        };
    }

    private static ServedMigration served(MigrationAssembly assembly) {
        return new ServedMigration() {
            @Override
            public MigrationControl control() {
                return assembly.migration();
            }

            @Override
            public void close() throws InterruptedException {
                assembly.close();
            }
        };
    }

    private static CommandFailure refusal(PreflightReport report) {
        List<Finding> refusing =
                report.findings().stream().filter(finding -> !finding.status().passes()).toList();
        StringBuilder message =
                new StringBuilder("the migration can't start; nothing was created:");
        for (Finding finding : refusing) {
            message.append("\n  ").append(finding.object()).append(": ").append(finding.message());
            if (!finding.remedy().isEmpty()) {
                message.append("\n      ").append(finding.remedy());
            }
        }
        return new CommandFailure(
                exitCode(report.outcome()),
                message.toString(),
                "`millrace plan` shows every check.");
    }

    /// The exit code that the worst finding asks for.
    static int exitCode(Finding.Status worst) {
        return switch (worst) {
            case OK, WARNING -> ExitCode.DONE;
            case MISCONFIGURED -> ExitCode.USAGE;
            case REFUSED -> ExitCode.REFUSED;
            case UNREACHABLE -> ExitCode.FAILED;
        };
    }
}
