package dev.millrace.cli;

import dev.millrace.cli.service.ServiceClient;
import dev.millrace.cli.text.ReconciliationView;
import dev.millrace.cli.text.Verdict;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;
import tools.jackson.databind.JsonNode;

/// How a command shows a report: `-o` for the output, and files beside it. The service writes every
/// document but the text, so that the command line starts fast.
final class ReportOutput {

    @Option(
            names = {"-o", "--output"},
            paramLabel = "FORMAT",
            description =
                    "${COMPLETION-CANDIDATES} (default: ${DEFAULT-VALUE}); table and text are the"
                            + " same.",
            defaultValue = "table")
    private Format format = Format.table;

    @Option(
            names = "--html",
            paramLabel = "FILE",
            description = "Also write the report to this HTML file.")
    private @Nullable Path html;

    @Option(
            names = "--markdown",
            paramLabel = "FILE",
            description = "Also write the report to this Markdown file.")
    private @Nullable Path markdown;

    @Option(
            names = "--junit",
            paramLabel = "FILE",
            description = "Also write the report to this file as JUnit XML.")
    private @Nullable Path junit;

    /// Output format of a report.
    public enum Format {
        table,
        text,
        json,
        md,
        junit,
        html
    }

    /// Writes the files and prints the report.
    ///
    /// @param path of the report in the API
    /// @param body the report as JSON
    /// @return the exit code of its verdict
    int show(ServiceClient client, Terminal terminal, String path, String body) {
        Map<Format, @Nullable Path> files = new LinkedHashMap<>();
        files.put(Format.html, html);
        files.put(Format.md, markdown);
        files.put(Format.junit, junit);
        files.forEach(
                (each, file) -> {
                    if (file != null) {
                        terminal.save("Report", document(client, path, each), file);
                    }
                });
        JsonNode report = client.tree(body);
        switch (format) {
            case table, text ->
                    new ReconciliationView(terminal).lines(report).forEach(terminal.out()::println);
            case json -> terminal.out().println(body);
            case md, junit, html -> terminal.out().print(document(client, path, format));
        }
        terminal.out().flush();
        return Verdict.of(report.path("verdict").asString("")).exitCode();
    }

    private static String document(ServiceClient client, String path, Format format) {
        return client.get(path + "?format=" + format, ServiceClient.ANY);
    }
}
