package dev.millrace.cli;

import dev.millrace.cli.Providers.OutputFormat;
import picocli.CommandLine.Option;

/// The option `-o table|json`.
final class OutputOption {

    @Option(
            names = {"-o", "--output"},
            paramLabel = "FORMAT",
            description = "${COMPLETION-CANDIDATES} (default: ${DEFAULT-VALUE}).",
            defaultValue = "table")
    private OutputFormat format = OutputFormat.table;

    OutputFormat format() {
        return format;
    }

    boolean isJson() {
        return format == OutputFormat.json;
    }
}
