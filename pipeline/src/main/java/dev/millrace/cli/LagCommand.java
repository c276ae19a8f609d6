package dev.millrace.cli;

import dev.millrace.cli.service.ServiceClient;
import dev.millrace.cli.text.Figures;
import dev.millrace.cli.text.TextTable;
import dev.millrace.lag.TopicLag;
import dev.millrace.migration.StatusReport;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import tools.jackson.databind.json.JsonMapper;

@Command(
        name = "lag",
        description = "Show the lag of each stage and the end-to-end lag.",
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
        TextTable table = new TextTable(1, 2, "lag", "value", "meaning");
        table.row(
                "source",
                amount(Figures.bytes(lag.sourceBytes()), lag.sourceSeconds()),
                "WAL that the source retains because it is not yet in Kafka");
        if (lag.captureBytes() != null) {
            table.row(
                    "capture",
                    amount(Figures.bytes(lag.captureBytes()), lag.captureSeconds()),
                    "WAL whose changes are not in the log");
        }
        for (TopicLag topic : lag.topics()) {
            table.row(
                    topic.topic(),
                    amount(blocks(topic.records()), topic.seconds()),
                    "records of the topic that the group " + topic.group() + " has not read");
        }
        table.row(
                "records",
                Figures.count(lag.records()),
                "changes in the log that are not applied to the target");
        table.row(
                "end to end",
                Figures.seconds(lag.endToEndSeconds()),
                "time since the last source transaction that the target has in full");
        if (lag.safeWalBytes() != null) {
            table.row(
                    "slot",
                    Figures.bytes(lag.safeWalBytes()),
                    "WAL that the source can still write before it may invalidate the slot");
        }
        table.lines().forEach(terminal.out()::println);
    }

    private static String blocks(@Nullable Long records) {
        return Figures.count(records)
                + (records == null ? "" : records == 1 ? " block" : " blocks");
    }

    /// `1.5 KiB, 0.4 s`
    private static String amount(String size, @Nullable Double seconds) {
        return seconds == null ? size : size + ", " + Figures.seconds(seconds);
    }
}
