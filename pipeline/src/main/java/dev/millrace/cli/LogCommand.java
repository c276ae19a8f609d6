package dev.millrace.cli;

import dev.millrace.cli.Providers.OutputFormat;
import dev.millrace.cli.service.ServiceClient;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import tools.jackson.databind.JsonNode;

@Command(
        name = "log",
        description =
                "Print records of the log, oldest first within each partition. The output"
                        + " contains row values.",
        mixinStandardHelpOptions = true)
final class LogCommand implements Callable<Integer> {

    private final Terminal terminal;
    private final Pause pause;
    @Mixin private ServiceOptions service = new ServiceOptions();

    @Option(
            names = "--topic",
            paramLabel = "changes|target",
            required = true,
            description =
                    "changes: changes captured from the source; target: rows to be written"
                            + " to the target.")
    private Topic topic = Topic.changes;

    @Option(
            names = "--table",
            paramLabel = "SCHEMA.TABLE",
            description =
                    "Print only records of this table: a source table for --topic changes, a"
                            + " target table for --topic target.")
    private @Nullable String table;

    @Option(
            names = "--key",
            paramLabel = "KEY",
            description =
                    "Print only records with this key: the values of the key columns separated"
                            + " by commas, or a JSON array if a value contains a comma, such as"
                            + " '[\"Smith, Ann\",7]'.")
    private @Nullable String key;

    @Option(
            names = "--limit",
            paramLabel = "N",
            description =
                    "Print at most N matching records, from the beginning of the retained log"
                            + " (default: ${DEFAULT-VALUE}).",
            defaultValue = "100")
    private int limit;

    @Option(
            names = {"-o", "--output"},
            paramLabel = "FORMAT",
            description =
                    "${COMPLETION-CANDIDATES} (default: ${DEFAULT-VALUE}, one object per line).",
            defaultValue = "json")
    private OutputFormat format = OutputFormat.json;

    LogCommand(Terminal terminal, Pause pause) {
        this.terminal = terminal;
        this.pause = pause;
    }

    @Override
    public Integer call() {
        if (limit < 1) {
            throw new CommandFailure(
                    ExitCode.USAGE,
                    "--limit is " + limit + "; it must be at least 1.",
                    "Set --limit to 1 or more.");
        }
        ServiceClient client = service.connect(terminal, pause);
        client.lines(
                "log?" + query(),
                line ->
                        terminal.out()
                                .println(
                                        format == OutputFormat.json
                                                ? line
                                                : shown(client.tree(line))));
        return ExitCode.DONE;
    }

    private String query() {
        List<String> query = new ArrayList<>(List.of("topic=" + topic, "limit=" + limit));
        if (table != null) {
            query.add("table=" + URLEncoder.encode(table, StandardCharsets.UTF_8));
        }
        if (key != null) {
            query.add("key=" + URLEncoder.encode(key, StandardCharsets.UTF_8));
        }
        return String.join("&", query);
    }

    /// Formats a record as `partition/offset kind table`, followed by its other fields.
    private static String shown(JsonNode entry) {
        StringBuilder line = new StringBuilder();
        line.append(entry.path("partition").asString("?"))
                .append('/')
                .append(entry.path("offset").asString("?"))
                .append("  ")
                .append(entry.path("kind").asString("?"))
                .append("  ")
                .append(entry.path("table").asString(""));
        for (String field : List.of("key", "row", "reason", "truncation", "watermark", "lsn")) {
            JsonNode value = entry.path(field);
            if (!value.isMissingNode() && !value.isNull()) {
                line.append("  ").append(field).append(' ').append(value);
            }
        }
        return line.toString();
    }

    enum Topic {
        changes,
        target
    }
}
