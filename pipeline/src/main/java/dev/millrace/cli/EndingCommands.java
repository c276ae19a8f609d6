package dev.millrace.cli;

import dev.millrace.cli.ChangeOptions.Question;
import dev.millrace.cli.text.OperationView;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import tools.jackson.databind.JsonNode;

/// The commands that end a migration, `complete` and `abort`, and `rebackfill`. Each sends one
/// request and follows the operation to its end.
final class EndingCommands {

    private EndingCommands() {}

    static List<Callable<Integer>> all(Terminal terminal, Pause pause, Question question) {
        return List.of(
                new CompleteCommand(terminal, pause, question),
                new AbortCommand(terminal, pause, question),
                new RebackfillCommand(terminal, pause, question));
    }

    private abstract static class End implements Callable<Integer> {

        private final String kind;
        private final String asked;
        private final Terminal terminal;
        private final Pause pause;
        private final Question question;
        @Mixin private ChangeOptions options = new ChangeOptions();
        @Mixin private OutputOption output = new OutputOption();

        private End(String kind, String asked, Terminal terminal, Pause pause, Question question) {
            this.kind = kind;
            this.asked = asked;
            this.terminal = terminal;
            this.pause = pause;
            this.question = question;
        }

        List<String> forced() {
            return List.of();
        }

        /// The fields of the request that belong to the command.
        Map<String, Object> fields() {
            return Map.of();
        }

        @Override
        public final Integer call() {
            if (!forced().isEmpty() && !options.hasReason()) {
                throw new CommandFailure(
                        ExitCode.USAGE,
                        "--force needs a reason for the journal.",
                        "Add --reason and say why the gate may be passed.");
            }
            Map<String, Object> body = new HashMap<>(fields());
            if (!forced().isEmpty()) {
                body.put("force", forced());
            }
            Optional<JsonNode> answer =
                    options.send(
                            kind,
                            asked,
                            body,
                            Optional.of(UUID.randomUUID()),
                            terminal,
                            pause,
                            question);
            return answer.map(reply -> show(reply.path("operation"))).orElse(ExitCode.REFUSED);
        }

        /// @return an [ExitCode]; a dry run with a closed gate is refused
        private int show(JsonNode operation) {
            if (!options.isDryRun()) {
                return new OperationFollower(
                                options,
                                terminal,
                                pause,
                                output.isJson(),
                                OperationFollower.Aim.END)
                        .follow(operation);
            }
            OperationView view = new OperationView(operation);
            if (output.isJson()) {
                terminal.out().println(operation);
            } else {
                view.plan().forEach(terminal.out()::println);
            }
            return view.isOpen() ? ExitCode.DONE : ExitCode.REFUSED;
        }
    }

    @Command(
            name = "complete",
            description =
                    "End the migration after a switchover: there is no way back any more. Removes"
                            + " everything that Millrace created on both sides and in Kafka, and"
                            + " keeps an archive. --dry-run lists it and changes nothing.",
            mixinStandardHelpOptions = true)
    private static final class CompleteCommand extends End {

        @Option(
                names = "--force",
                paramLabel = "GATE",
                description =
                        "Pass this gate although it is closed; needs --reason. The option can be"
                                + " repeated.")
        private List<String> forced = List.of();

        @Option(
                names = "--rename-old",
                paramLabel = "SUFFIX",
                description =
                        "After everything else, rename each old source table: append this suffix to"
                                + " its name, for example _old. Refused before anything is changed"
                                + " if a name is taken or a table belongs to another role.")
        private String renameOld = "";

        private CompleteCommand(Terminal terminal, Pause pause, Question question) {
            super(
                    "complete",
                    "Complete the migration, which removes the way back",
                    terminal,
                    pause,
                    question);
        }

        @Override
        List<String> forced() {
            return forced;
        }

        @Override
        Map<String, Object> fields() {
            return renameOld.isBlank() ? Map.of() : Map.of("renameOld", renameOld);
        }
    }

    @Command(
            name = "rebackfill",
            description =
                    "Read rows again without emptying a table, and delete rows of the target that"
                            + " the source does not have, while applications write. Without"
                            + " --table: every table, with a new slot and publication, after the"
                            + " slot was lost.",
            mixinStandardHelpOptions = true)
    private static final class RebackfillCommand extends End {

        @Option(names = "--table", paramLabel = "TABLE", description = "Only this target table.")
        private Optional<String> table = Optional.empty();

        private RebackfillCommand(Terminal terminal, Pause pause, Question question) {
            super("rebackfill", "Read rows again", terminal, pause, question);
        }

        @Override
        Map<String, Object> fields() {
            return table.map(name -> Map.<String, Object>of("table", name)).orElse(Map.of());
        }
    }

    @Command(
            name = "abort",
            description =
                    "End the migration before a switchover: the application stays on the source."
                            + " Removes everything that Millrace created on both sides and in Kafka"
                            + " but the rows of the target, and keeps an archive. --dry-run lists"
                            + " it and changes nothing.",
            mixinStandardHelpOptions = true)
    private static final class AbortCommand extends End {

        private AbortCommand(Terminal terminal, Pause pause, Question question) {
            super("abort", "Abort the migration", terminal, pause, question);
        }
    }
}
