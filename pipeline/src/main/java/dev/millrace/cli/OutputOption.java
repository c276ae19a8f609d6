package dev.millrace.cli;

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

    /// Output format of a command: a table for people or JSON for programs.
    public enum OutputFormat {
        table,
        json
    }
}
