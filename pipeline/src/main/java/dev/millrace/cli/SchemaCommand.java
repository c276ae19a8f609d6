package dev.millrace.cli;

import dev.millrace.cli.text.PlanView;
import dev.millrace.reconcile.report.ReportSchema;
import dev.millrace.spec.SpecSchema;
import java.util.concurrent.Callable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

@Command(
        name = "schema",
        description =
                "Print the JSON Schema of the migration file for editors, of a reconciliation's"
                        + " report, or of a plan.",
        mixinStandardHelpOptions = true)
final class SchemaCommand implements Callable<Integer> {

    private final Terminal terminal;

    @ArgGroup private Document document = new Document();

    static final class Document {

        @Option(names = "--report", description = "Print the JSON Schema of a report.")
        private boolean report;

        @Option(names = "--plan", description = "Print the JSON Schema of 'plan -o json'.")
        private boolean plan;

        String json() {
            return report ? ReportSchema.json() : plan ? PlanView.schema() : SpecSchema.json();
        }
    }

    SchemaCommand(Terminal terminal) {
        this.terminal = terminal;
    }

    @Override
    public Integer call() {
        terminal.out().println(document.json());
        return ExitCode.DONE;
    }
}
