package dev.millrace.cli;

import dev.millrace.migration.StatusReport;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import tools.jackson.databind.json.JsonMapper;

@Command(
        name = "lag",
        description = "Show how far the target is behind the source.",
        mixinStandardHelpOptions = true)
final class LagCommand implements Callable<Integer> {

    private final Terminal terminal;
    private final Pause pause;
    @Mixin private ServiceOptions service = new ServiceOptions();
    @Mixin private OutputOption output = new OutputOption();

    LagCommand(Terminal terminal, Pause pause) {
        this.terminal = terminal;
        this.pause = pause;
    }

    @Override
    public Integer call() {
        ServiceClient client = service.connect(terminal, pause);
        StatusReport report =
                client.read(client.get("status", ServiceClient.JSON), StatusReport.class);
        if (output.isJson()) {
            Map<String, Object> body = new LinkedHashMap<>();
            body.put("migration", report.migration());
            body.put("phase", report.phase());
            body.put("lag", report.lag());
            terminal.out().println(JsonMapper.shared().writeValueAsString(body));
        } else {
            print(report.lag());
        }
        return ExitCode.DONE;
    }

    private void print(StatusReport.Lag lag) {
        TextTable table = new TextTable(1, "lag", "now", "is");
        table.row(
                "source",
                Figures.bytes(lag.sourceBytes()),
                "WAL that the source keeps until Kafka has it");
        table.row("records", Figures.count(lag.records()), "records not yet in the target");
        table.row(
                "end to end",
                Figures.seconds(lag.endToEndSeconds()),
                "age of the source's moment the target is at");
        table.lines().forEach(terminal.out()::println);
    }
}
