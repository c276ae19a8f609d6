package dev.millrace.cli;

import dev.millrace.reconcile.report.ReportSchema;
import dev.millrace.spec.SpecSchema;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

@Command(
        name = "schema",
        description =
                "Print the JSON Schema of the migration file for editors, or of a reconciliation's"
                        + " report.",
        mixinStandardHelpOptions = true)
final class SchemaCommand implements Callable<Integer> {

    private final Terminal terminal;

    @Option(names = "--report", description = "Print the JSON Schema of a report.")
    private boolean report;

    SchemaCommand(Terminal terminal) {
        this.terminal = terminal;
    }

    @Override
    public Integer call() {
        terminal.out().println(report ? ReportSchema.json() : SpecSchema.json());
        return ExitCode.DONE;
    }
}
