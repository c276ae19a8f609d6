package dev.millrace.cli;

import java.io.IOException;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
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
                "Compare the target with the SELECTs over the source; wait for the verdict. Ctrl-C"
                        + " cancels it.",
        mixinStandardHelpOptions = true)
final class ReconcileCommand implements Callable<Integer> {

    private static final Duration FIRST_LOOK = Duration.ofMillis(100);
    private static final Duration LONGEST_PAUSE = Duration.ofSeconds(1);

    private final Terminal terminal;
    private final Pause pause;
    @Mixin private ServiceOptions service = new ServiceOptions();
    @Mixin private OutputOption output = new OutputOption();

    @Option(
            names = "--table",
            paramLabel = "SCHEMA.TABLE",
            description = "Compare this target table alone; may be given several times.")
    private List<String> tables = List.of();

    @Option(
            names = "--html",
            paramLabel = "FILE",
            description = "Write the report as one HTML file.")
    private @Nullable Path html;

    ReconcileCommand(Terminal terminal, Pause pause) {
        this.terminal = terminal;
        this.pause = pause;
    }

    @Override
    public Integer call() {
        ServiceClient client = service.connect(terminal, pause);
        JsonNode accepted = client.post("reconciliations", Map.of("tables", tables));
        String id = accepted.path("id").asString("");
        if (id.isEmpty()) {
            throw new CommandFailure(
                    ExitCode.FAILED, "the service began a comparison and didn't name it", "");
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
        return exitCode(report);
    }

    /// By a client of its own: the other one may be in the middle of a request.
    private int cancel(String path) {
        terminal.err().println("Cancelling the comparison.");
        try {
            ServiceClient client = service.connect(terminal, pause);
            String body = client.delete(path);
            JsonNode report = client.tree(body);
            if (report.path("verdict").isString()) {
                return show(body, report);
            }
            terminal.err().println("It ends with its next step; it has no verdict.");
            return ExitCode.UNDECIDED;
        } catch (CommandFailure e) {
            terminal.err().println("millrace: " + e.getMessage());
            return e.exitCode();
        }
    }

    /// A comparison takes as long as it takes: there is no deadline but the operator's Ctrl-C.
    private String await(ServiceClient client, String path) {
        Duration next = FIRST_LOOK;
        while (true) {
            String body = client.get(path, ServiceClient.JSON);
            if (isFinished(client.tree(body))) {
                return body;
            }
            pause.between(next);
            Duration longer = next.multipliedBy(2);
            next = longer.compareTo(LONGEST_PAUSE) < 0 ? longer : LONGEST_PAUSE;
        }
    }

    /// Either the report, or a state that says it is still to come. Anything else would never end.
    private static boolean isFinished(JsonNode body) {
        if (body.path("verdict").isString()) {
            return true;
        }
        return switch (body.path("state").asString("").toLowerCase(Locale.ROOT)) {
            case "waiting", "running" -> false;
            default ->
                    throw new CommandFailure(
                            ExitCode.FAILED,
                            "the comparison could not be carried out: "
                                    + body.path("reason").asString("the service gives no reason"),
                            "Nothing is known about equality. See: millrace status");
        };
    }

    private void write(ServiceClient client, String path, Path file) {
        String page = client.get(path + "?format=html", ServiceClient.HTML);
        try {
            Files.writeString(file, page);
        } catch (IOException e) {
            throw new CommandFailure(
                    ExitCode.FAILED,
                    "the report can't be written to " + file,
                    "Is there such a folder, and may you write to it?",
                    e);
        }
        terminal.err().println("The report is in " + file);
    }

    /// What isn't plainly equal never leaves as equal.
    private static int exitCode(JsonNode report) {
        return switch (report.path("verdict").asString("")) {
            case "equal" -> ExitCode.DONE;
            case "different" -> ExitCode.DIFFERENT;
            default -> ExitCode.UNDECIDED;
        };
    }
}
