package dev.millrace.cli;

import dev.millrace.cli.text.ReconciliationView;
import java.io.IOException;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import tools.jackson.databind.JsonNode;

@Command(
        name = "reconcile",
        description =
                "Compare the target with the SELECTs over the source and wait for the verdict."
                        + " Ctrl-C cancels the comparison.",
        mixinStandardHelpOptions = true)
final class ReconcileCommand implements Callable<Integer> {

    private final Terminal terminal;
    private final Pause pause;
    @Mixin private ServiceOptions service = new ServiceOptions();
    @Mixin private OutputOption output = new OutputOption();

    @Option(
            names = "--table",
            paramLabel = "SCHEMA.TABLE",
            description = "Compare only this target table. The option can be repeated.")
    private List<String> tables = List.of();

    @Option(
            names = "--incremental",
            description =
                    "Compare only the keys that were touched since the last comparison of all"
                            + " tables, and the numbers of rows.")
    private boolean incremental;

    @Option(
            names = "--html",
            paramLabel = "FILE",
            description = "Also write the report to this HTML file.")
    private @Nullable Path html;

    ReconcileCommand(Terminal terminal, Pause pause) {
        this.terminal = terminal;
        this.pause = pause;
    }

    @Override
    public Integer call() {
        ServiceClient client = service.connect(terminal, pause);
        JsonNode accepted =
                client.post(
                        "reconciliations",
                        incremental
                                ? Map.of("tables", tables, "incremental", true)
                                : Map.of("tables", tables));
        String id = accepted.path("id").asString("");
        if (id.isEmpty()) {
            throw new CommandFailure(
                    ExitCode.FAILED,
                    "The service started a comparison but returned no id.",
                    "Check that --url is the address of a Millrace service of this version.");
        }
        String path = "reconciliations/" + URLEncoder.encode(id, StandardCharsets.UTF_8);
        String body;
        try (OnInterrupt interrupt = new OnInterrupt(() -> cancel(path))) {
            body = await(client, path);
            if (!interrupt.done()) {
                return ExitCode.UNDECIDED;
            }
        }
        if (html != null) {
            write(client, path, html);
        }
        return show(body, client.tree(body));
    }

    private int show(String body, JsonNode report) {
        if (output.isJson()) {
            terminal.out().println(body);
        } else {
            new ReconciliationView(terminal).lines(report).forEach(terminal.out()::println);
        }
        return Verdict.of(report.path("verdict").asString("")).exitCode();
    }

    /// Uses its own client because the other one may be in the middle of a request.
    private int cancel(String path) {
        terminal.err().println("Cancelling the comparison.");
        try {
            ServiceClient client = service.connect(terminal, pause);
            String body = client.delete(path);
            JsonNode report = client.tree(body);
            if (report.path("verdict").isString()) {
                return show(body, report);
            }
            terminal.err()
                    .println(
                            "The comparison stops after its current step. No verdict"
                                    + " available.");
            return ExitCode.UNDECIDED;
        } catch (CommandFailure e) {
            terminal.err().println("millrace: " + e.getMessage());
            return e.exitCode();
        }
    }

    /// Polls without a deadline: the duration of a comparison is not known. Ctrl-C cancels it.
    private String await(ServiceClient client, String path) {
        Pause.Growing growing = new Pause.Growing(pause);
        while (true) {
            String body = client.get(path, ServiceClient.JSON);
            if (isFinished(client.tree(body))) {
                return body;
            }
            growing.pause();
        }
    }

    /// Returns whether the body is a report. Fails on an unknown state, which could otherwise be
    /// polled forever.
    private static boolean isFinished(JsonNode body) {
        if (body.path("verdict").isString()) {
            return true;
        }
        return switch (body.path("state").asString("").toLowerCase(Locale.ROOT)) {
            case "waiting", "running" -> false;
            default ->
                    throw new CommandFailure(
                            ExitCode.FAILED,
                            "The comparison failed: "
                                    + body.path("reason").asString("the service gave no reason"),
                            "Run 'millrace status' to see the cause, then run reconcile again.");
        };
    }

    private void write(ServiceClient client, String path, Path file) {
        String page = client.get(path + "?format=html", ServiceClient.HTML);
        try {
            Files.writeString(file, page);
        } catch (IOException e) {
            throw new CommandFailure(
                    ExitCode.FAILED,
                    "Cannot write the report to " + file + ".",
                    "Check that the folder exists and is writable.",
                    e);
        }
        terminal.err().println("Report written to " + file);
    }
}
