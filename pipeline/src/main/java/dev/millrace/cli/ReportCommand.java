package dev.millrace.cli;

import dev.millrace.cli.service.ServiceClient;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

@Command(
        name = "report",
        description =
                "Show the report of a finished comparison again. The exit code is its verdict.",
        mixinStandardHelpOptions = true)
final class ReportCommand implements Callable<Integer> {

    private final Terminal terminal;
    private final Pause pause;
    @Mixin private ServiceOptions service = new ServiceOptions();
    @Mixin private ReportOutput output = new ReportOutput();

    @Parameters(
            arity = "0..1",
            paramLabel = "ID",
            description = "The id of the comparison (default: the last one that finished).")
    private @Nullable String id;

    ReportCommand(Terminal terminal, Pause pause) {
        this.terminal = terminal;
        this.pause = pause;
    }

    @Override
    public Integer call() {
        ServiceClient client = service.connect(terminal, pause);
        String path =
                "reconciliations/"
                        + URLEncoder.encode(id == null ? last(client) : id, StandardCharsets.UTF_8);
        String body = client.get(path, ServiceClient.JSON);
        if (!client.tree(body).path("verdict").isString()) {
            throw new CommandFailure(
                    ExitCode.UNDECIDED,
                    "The comparison is "
                            + client.tree(body).path("state").asString("unknown")
                            + ".",
                    "Wait until it has finished.");
        }
        return output.show(client, terminal, path, body);
    }

    private String last(ServiceClient client) {
        String last =
                client.tree(client.get("reconciliations", ServiceClient.JSON))
                        .path(0)
                        .path("id")
                        .asString("");
        if (last.isEmpty()) {
            throw new CommandFailure(
                    ExitCode.UNDECIDED,
                    "No comparison has finished.",
                    "Run '" + service.command("reconcile") + "'.");
        }
        return last;
    }
}
