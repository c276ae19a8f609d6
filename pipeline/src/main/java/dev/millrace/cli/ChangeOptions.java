package dev.millrace.cli;

import java.io.Console;
import java.util.HashMap;
import java.util.Map;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import tools.jackson.databind.JsonNode;

/// Options of the commands that change a running migration. Such a command asks before it changes
/// anything, and does not ask with `--yes` or `--dry-run`.
final class ChangeOptions {

    @Mixin private ServiceOptions service = new ServiceOptions();

    @Option(names = "--dry-run", description = "Check the change and print it, but do not make it.")
    private boolean dryRun;

    @Option(
            names = {"-y", "--yes"},
            description = "Do not ask. Required without a terminal.")
    private boolean yes;

    @Option(
            names = "--reason",
            paramLabel = "TEXT",
            description = "Why; the journal and the status show it.")
    private String reason = "";

    @Option(
            names = "--expected-phase",
            paramLabel = "PHASE",
            description = "Make the change only if the migration is in this phase.")
    private String expectedPhase = "";

    /// Asks a yes-or-no question on the terminal. Tests replace it.
    interface Question {

        boolean isAgreed(String text);

        static boolean real(String text) {
            Console console = System.console();
            String answer = console == null ? null : console.readLine("%s [y/N] ", text);
            return answer != null && answer.strip().matches("(?i)y|yes");
        }
    }

    /// @param question what the operator is asked, without the question mark
    /// @param change the fields of the request that belong to the command
    /// @return an [ExitCode]
    int make(
            String path,
            String question,
            Map<String, Object> change,
            Terminal terminal,
            Pause pause,
            Question ask) {
        if (!yes && !dryRun) {
            if (!terminal.interactive()) {
                throw new CommandFailure(
                        ExitCode.USAGE,
                        "This command changes the migration and there is no terminal to ask on.",
                        "Add --yes to make the change, or --dry-run to check it.");
            }
            if (!ask.isAgreed(question + " (" + service.url() + ")?")) {
                terminal.err().println("Nothing was changed.");
                return ExitCode.REFUSED;
            }
        }
        Map<String, Object> body = new HashMap<>(change);
        body.put("who", System.getProperty("user.name", ""));
        body.put("dryRun", dryRun);
        if (!reason.isBlank()) {
            body.put("reason", reason);
        }
        if (!expectedPhase.isBlank()) {
            body.put("expectedPhase", expectedPhase);
        }
        JsonNode answer = service.connect(terminal, pause).post(path, body);
        terminal.out()
                .println(
                        (dryRun ? "Dry run, nothing was changed. The result would be: " : "")
                                + answer.path("operation").path("outcome").asString("")
                                + ".");
        return ExitCode.DONE;
    }
}
