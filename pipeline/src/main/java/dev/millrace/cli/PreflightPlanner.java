package dev.millrace.cli;

import dev.millrace.cli.OutputOption.OutputFormat;
import dev.millrace.cli.Providers.Planner;
import dev.millrace.cli.text.PlanView;
import dev.millrace.postgres.Database;
import dev.millrace.preflight.Preflight;
import dev.millrace.preflight.PreflightReport;
import dev.millrace.spec.MigrationSpec;

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
        try (Database source = database(spec, spec.source());
                Database target = database(spec, spec.target())) {
            return new Preflight(source, target).run(spec);
        }
    }

    private static Database database(MigrationSpec spec, MigrationSpec.Endpoint endpoint) {
        return new Database(
                spec.migration(),
                endpoint.url(),
                endpoint.username(),
                endpoint.password().reveal());
    }
}
