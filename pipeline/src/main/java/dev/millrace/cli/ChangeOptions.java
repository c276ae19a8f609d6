package dev.millrace.cli;

import dev.millrace.cli.service.ServiceClient;
import java.io.Console;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
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

    boolean isDryRun() {
        return dryRun;
    }

    boolean hasReason() {
        return !reason.isBlank();
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
        Optional<JsonNode> answer =
                send(path, question, change, Optional.empty(), terminal, pause, ask);
        if (answer.isEmpty()) {
            return ExitCode.REFUSED;
        }
        terminal.out()
                .println(
                        (dryRun ? "Dry run, nothing was changed. The result would be: " : "")
                                + answer.get().path("operation").path("outcome").asString("")
                                + ".");
        return ExitCode.DONE;
    }

    /// Asks the operator if necessary, and sends the request.
    ///
    /// @param key makes the request safe to repeat: it is sent again if its reply is lost
    /// @return the answer of the service; empty if the operator did not agree
    Optional<JsonNode> send(
            String path,
            String question,
            Map<String, Object> change,
            Optional<UUID> key,
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
                return Optional.empty();
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
        JsonNode reply = connect(terminal, pause).post(path, body, key);
        JsonNode waiting = reply.path("approval");
        if (waiting.isObject()) {
            throw new CommandFailure(
                    ExitCode.UNDECIDED,
                    "Nothing has begun yet: the request waits for another approver until "
                            + waiting.path("expiresAt").asString("")
                            + ".",
                    "Another approver runs '"
                            + command("approve " + waiting.path("id").asString(""))
                            + "'.");
        }
        return Optional.of(reply);
    }

    /// A command line that reaches the same service, for a message.
    String command(String verb) {
        return service.command(verb);
    }

    ServiceClient connect(Terminal terminal, Pause pause) {
        return service.connect(terminal, pause);
    }
}
