package dev.millrace.app;

import dev.millrace.approval.Approvals;
import dev.millrace.cli.CommandFailure;
import dev.millrace.cli.ExitCode;
import dev.millrace.cli.Providers.ServiceAddress;
import dev.millrace.cli.Providers.ServiceLauncher;
import dev.millrace.ending.MigrationEnd;
import dev.millrace.http.MigrationDefinition;
import dev.millrace.http.MigrationHost.ServedMigration;
import dev.millrace.kafka.BrokerException;
import dev.millrace.lifecycle.Reason;
import dev.millrace.migration.MigrationControl;
import dev.millrace.migration.StartOptions;
import dev.millrace.preflight.PreflightReport;
import dev.millrace.preflight.plan.Finding;
import dev.millrace.preview.RowPreview;
import dev.millrace.replication.GenerationStart.LostLog;
import dev.millrace.replication.RefusedException;
import dev.millrace.sandbox.LocalServerException;
import dev.millrace.spec.SpecResult;
import dev.millrace.spec.setting.EffectiveSetting;
import dev.millrace.spec.setting.EffectiveSetting.Origin;
import dev.millrace.trace.OtlpExporter;
import java.net.URI;
import java.sql.SQLException;
import java.time.InstantSource;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Implements `run`: runs the service in the foreground. A failed start becomes a message and an
/// exit code.
public final class RunVerb implements ServiceLauncher {

    private static final Logger LOG = LoggerFactory.getLogger(RunVerb.class);
    private static final String ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT";
    private static final String RATIO = "OTEL_TRACES_SAMPLER_ARG";
    private static final double EVERY_HUNDREDTH = 0.01;

    private final InstantSource clock;

    public RunVerb(InstantSource clock) {
        this.clock = clock;
    }

    @Override
    public int run(SpecResult.Valid file, Options options) {
        FatalErrors.endTheProcess();
        StartOptions how =
                new StartOptions(
                        options.rebackfill() ? LostLog.READ_AGAIN : LostLog.REFUSED,
                        options.paused());
        try (OtlpExporter _ = traces();
                MillraceService service = start(file, options.address(), how)) {
            Thread hook = new Thread(service::close, "drain");
            Runtime.getRuntime().addShutdownHook(hook);
            return service.awaitEnd();
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
            return ExitCode.FAILED;
        }
    }

    /// Traces are off unless OpenTelemetry's own variable names a collector.
    private @Nullable OtlpExporter traces() {
        String endpoint = System.getenv(ENDPOINT);
        if (endpoint == null || endpoint.isBlank()) {
            return null;
        }
        String ratio = System.getenv(RATIO);
        try {
            return OtlpExporter.install(
                    URI.create(endpoint.strip()),
                    ratio == null ? EVERY_HUNDREDTH : Double.parseDouble(ratio),
                    clock);
        } catch (IllegalArgumentException e) {
            throw new CommandFailure(
                    ExitCode.USAGE,
                    "Invalid " + ENDPOINT + " or " + RATIO + ".",
                    "Set the first to the collector's address, for example http://localhost:4318,"
                            + " and the second to a number from 0 to 1.",
                    e);
        }
    }

    /// Starts the service and returns when it accepts requests.
    ///
    /// @throws CommandFailure if the service cannot or may not start
    MillraceService start(SpecResult.Valid file, ServiceAddress address, StartOptions how) {
        if (!file.access().isPresent() && !address.token().isPresent()) {
            LOG.atWarn()
                    .log(
                            "No token is required: every user of this machine can change the"
                                    + " migration. Set MILLRACE_TOKEN, or access in the file");
        }
        try {
            return MillraceService.start(
                    address, file.access(), file.tls(), () -> open(file, address, how));
        } catch (CommandFailure failure) {
            throw failure;
        } catch (RefusedException refused) {
            throw new CommandFailure(
                    ExitCode.REFUSED, String.valueOf(refused.getMessage()), "", refused);
        } catch (SQLException | BrokerException fault) {
            throw new CommandFailure(
                    ExitCode.FAILED,
                    "A server stopped responding during the start: "
                            + Reason.of(fault).orElse(fault.getClass().getSimpleName()),
                    "Check the server's log, then start again. The migration continues from its"
                            + " stored positions.",
                    fault);
        } catch (LocalServerException fault) {
            throw new CommandFailure(
                    ExitCode.FAILED,
                    String.valueOf(fault.getMessage()),
                    "To use another folder, set data-dir in the file.",
                    fault);
        } catch (RuntimeException fault) {
            throw fault;
        } catch (Exception fault) {
            throw new IllegalStateException("The service did not start.", fault);
        }
    }

    private ServedMigration open(SpecResult.Valid file, ServiceAddress address, StartOptions how)
            throws Exception {
        String who = System.getProperty("user.name", "unknown");
        return switch (MigrationAssembly.open(file.spec(), file.hash(), clock, who, how)) {
            case MigrationAssembly.Outcome.Started(MigrationAssembly assembly) ->
                    served(
                            assembly,
                            new MigrationDefinition(settings(file, address), assembly.tables()));
            case MigrationAssembly.Outcome.Refused(PreflightReport report) -> throw refusal(report);
        };
    }

    /// An option with the value of its default counts as not given.
    private static List<EffectiveSetting> settings(SpecResult.Valid file, ServiceAddress address) {
        return Stream.concat(
                        Stream.of(
                                option("--bind", address.bind(), ServiceAddress.BIND),
                                option(
                                        "--port",
                                        String.valueOf(address.port()),
                                        ServiceAddress.PORT),
                                file.access().isPresent()
                                        ? EffectiveSetting.standard(
                                                ServiceAddress.TOKEN,
                                                "not used: the file has access")
                                        : address.token().isPresent()
                                                ? new EffectiveSetting(
                                                        ServiceAddress.TOKEN,
                                                        EffectiveSetting.MASKED,
                                                        Origin.ENVIRONMENT,
                                                        ServiceAddress.TOKEN)
                                                : EffectiveSetting.standard(
                                                        ServiceAddress.TOKEN, "none")),
                        file.settings().stream())
                .toList();
    }

    private static EffectiveSetting option(String name, String value, String standard) {
        return value.equals(standard)
                ? EffectiveSetting.standard(name, value)
                : new EffectiveSetting(name, value, Origin.OPTION, "");
    }

    private static ServedMigration served(
            MigrationAssembly assembly, MigrationDefinition definition) {
        return new ServedMigration() {
            @Override
            public MigrationControl control() {
                return assembly.migration();
            }

            @Override
            public MigrationEnd end() {
                return assembly.migration();
            }

            @Override
            public MigrationDefinition definition() {
                return definition;
            }

            @Override
            public Approvals approvals() {
                return assembly.approvals();
            }

            @Override
            public RowPreview preview() {
                return assembly.preview();
            }

            @Override
            public void close() {
                assembly.close();
            }
        };
    }

    private static CommandFailure refusal(PreflightReport report) {
        List<Finding> refusing =
                report.findings().stream().filter(finding -> !finding.status().passes()).toList();
        StringBuilder message =
                new StringBuilder("The migration cannot start. Nothing was created.");
        for (Finding finding : refusing) {
            message.append("\n  ").append(finding.object()).append(": ").append(finding.message());
            if (!finding.remedy().isEmpty()) {
                message.append("\n      ").append(finding.advice());
            }
        }
        return new CommandFailure(
                ExitCode.of(report.outcome()),
                message.toString(),
                "Run 'millrace plan' to see all checks.");
    }
}
