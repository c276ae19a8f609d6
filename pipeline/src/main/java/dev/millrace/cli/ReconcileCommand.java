package dev.millrace.cli;

import dev.millrace.cli.service.ServiceClient;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
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
    @Mixin private ReportOutput output = new ReportOutput();

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
                        Map.of("tables", tables, "incremental", incremental, "who", user()));
        String id = accepted.path("id").asString("");
        if (id.isEmpty()) {
            throw new CommandFailure(
                    ExitCode.FAILED,
                    "The service started a comparison but returned no id.",
                    "Check that --url is the address of a Millrace service of this version.");
        }
        String path = "reconciliations/" + encoded(id);
        String body;
        try (OnInterrupt interrupt = new OnInterrupt(() -> cancel(path))) {
            body = await(client, path);
            if (!interrupt.done()) {
                return ExitCode.UNDECIDED;
            }
        }
        return output.show(client, terminal, path, body);
    }

    private static String user() {
        return System.getProperty("user.name", "");
    }

    private static String encoded(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8);
    }

    /// Uses its own client because the other one may be in the middle of a request.
    private int cancel(String path) {
        terminal.err().println("Cancelling the comparison.");
        try {
            ServiceClient client = service.connect(terminal, pause);
            String body = client.delete(path + "?who=" + encoded(user()));
            if (client.tree(body).path("verdict").isString()) {
                return output.show(client, terminal, path, body);
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
}
