package dev.millrace.cli.support;

import dev.millrace.cli.ExitCode;
import dev.millrace.cli.SpecOption;
import dev.millrace.cli.Terminal;
import dev.millrace.doctor.FileParts;
import dev.millrace.runbook.Runbook;
import dev.millrace.runbook.RunbookWriter;
import dev.millrace.spec.SpecReader;
import dev.millrace.spec.SpecResult;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

@Command(
        name = "runbook",
        description =
                "Print the runbook of the migration as Markdown, filled in from its file: tables,"
                        + " routes, limits, stop conditions, steps with their commands. What people"
                        + " must decide is a blank. Asks both servers for their versions if it can;"
                        + " needs no password, prints no secret.",
        mixinStandardHelpOptions = true)
public final class RunbookCommand implements Callable<Integer> {

    private final Terminal terminal;
    @Mixin private SpecOption spec = new SpecOption();

    @Option(names = "--html", paramLabel = "FILE", description = "Also write it to this HTML file.")
    private @Nullable Path html;

    public RunbookCommand(Terminal terminal) {
        this.terminal = terminal;
    }

    @Override
    public Integer call() {
        // A login with a wrong password would be an incident in the log of a server.
        boolean canLogIn =
                SpecReader.read(spec.file(), terminal.environment()) instanceof SpecResult.Valid;
        SpecResult.Valid valid = spec.readWithoutPasswords(terminal);
        Runbook runbook =
                RunbookWriter.write(
                        spec.file().toString(),
                        valid,
                        endpoint ->
                                Optional.of(endpoint)
                                        .filter(_ -> canLogIn)
                                        .flatMap(
                                                each ->
                                                        FileParts.serverVersion(
                                                                valid.spec().migration(), each))
                                        .map("PostgreSQL "::concat)
                                        .orElse(Runbook.BLANK));
        terminal.out().print(runbook.markdown());
        terminal.out().flush();
        if (html != null) {
            terminal.save("Runbook", runbook.html(), html);
        }
        return ExitCode.DONE;
    }
}
