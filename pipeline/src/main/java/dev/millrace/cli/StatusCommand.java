package dev.millrace.cli;

import dev.millrace.cli.service.ServiceClient;
import dev.millrace.cli.text.Progress;
import dev.millrace.cli.text.Repaint;
import dev.millrace.cli.text.StatusView;
import dev.millrace.migration.StatusReport;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

@Command(
        name = "status",
        description = "Show phase, progress, lag, blockers and the next allowed commands.",
        mixinStandardHelpOptions = true)
final class StatusCommand implements Callable<Integer> {

    /// Refresh interval on a terminal; a log gets a line every five seconds.
    private static final Duration ON_SCREEN = Duration.ofSeconds(1);

    private static final Duration IN_LOG = Duration.ofSeconds(5);
    private static final int TABLES_ON_SCREEN = 12;
    private static final Set<String> ENDS = Set.of("COMPLETED", "FAILED", "UNRESOLVED");

    private final Terminal terminal;
    private final Pause pause;
    @Mixin private ServiceOptions service = new ServiceOptions();
    @Mixin private OutputOption output = new OutputOption();

    @Option(names = "--watch", description = "Refresh until the migration ends or Ctrl-C.")
    private boolean watch;

    StatusCommand(Terminal terminal, Pause pause) {
        this.terminal = terminal;
        this.pause = pause;
    }

    @Override
    public Integer call() {
        ServiceClient client = service.connect(terminal, pause);
        if (watch) {
            return watch(client);
        }
        String body = client.get("status", ServiceClient.JSON);
        StatusReport report = client.read(body, StatusReport.class);
        if (output.isJson()) {
            terminal.out().println(body);
        } else {
            new StatusView(terminal)
                    .block(report, null, Integer.MAX_VALUE)
                    .forEach(terminal.out()::println);
        }
        return ExitCode.DONE;
    }

    private int watch(ServiceClient client) {
        StatusView view = new StatusView(terminal);
        Progress progress = new Progress();
        Repaint repaint = new Repaint(terminal);
        boolean onScreen = terminal.interactive() && !output.isJson();
        while (true) {
            String body = client.get("status", ServiceClient.JSON);
            StatusReport report = client.read(body, StatusReport.class);
            progress.sample(terminal.clock().instant(), report);
            if (onScreen) {
                List<String> block = view.block(report, progress, TABLES_ON_SCREEN);
                repaint.show(block);
            } else if (output.isJson()) {
                terminal.out().println(client.tree(body));
            } else {
                terminal.out().println(view.line(terminal.clock().instant(), report, progress));
            }
            if (ENDS.contains(report.phase())) {
                return exitCode(report.phase());
            }
            pause.between(onScreen ? ON_SCREEN : IN_LOG);
        }
    }

    private static int exitCode(String end) {
        return switch (end) {
            case "COMPLETED" -> ExitCode.DONE;
            case "UNRESOLVED" -> ExitCode.UNDECIDED;
            default -> ExitCode.FAILED;
        };
    }
}
