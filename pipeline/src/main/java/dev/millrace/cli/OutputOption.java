package dev.millrace.cli;

import picocli.CommandLine.Option;

/// `-o table|json`.
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

    /// How a reading verb prints: for eyes or for programs.
    public enum OutputFormat {
        table,
        json
    }
}
