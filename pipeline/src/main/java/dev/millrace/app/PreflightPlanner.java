package dev.millrace.app;

import dev.millrace.cli.ExitCode;
import dev.millrace.cli.Providers.OutputFormat;
import dev.millrace.cli.Providers.Planner;
import dev.millrace.cli.Terminal;
import dev.millrace.cli.text.PlanView;
import dev.millrace.preflight.Preflight;
import dev.millrace.preflight.PreflightReport;
import dev.millrace.spec.MigrationSpec;
import dev.millrace.stream.ReplicationStream.Side;

/// Implements `plan`: runs the preflight checks against the databases in the file and prints the
/// report.
public final class PreflightPlanner implements Planner {

    @Override
    public int plan(MigrationSpec spec, String hash, OutputFormat format, Terminal terminal) {
        PreflightReport report = report(spec);
        PlanView view = new PlanView(report);
        switch (format) {
            case table -> view.table(terminal);
            case json -> terminal.out().println(view.json());
        }
        return ExitCode.of(report.outcome());
    }

    private static PreflightReport report(MigrationSpec spec) {
        try (Side source = Side.of(spec.migration(), spec.source());
                Side target = Side.of(spec.migration(), spec.target())) {
            return new Preflight(source, target).run(spec);
        }
    }
}
