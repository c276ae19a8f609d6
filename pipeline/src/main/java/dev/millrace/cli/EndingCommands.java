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

/// The commands that end a migration, `complete` and `abort`, and those that read rows again,
/// `rebackfill` and `repair`. Each sends one request and follows the operation to its end.
final class EndingCommands {

    private EndingCommands() {}

    static List<Callable<Integer>> all(Terminal terminal, Pause pause, Question question) {
        return List.of(
                new CompleteCommand(terminal, pause, question),
                new AbortCommand(terminal, pause, question),
                new RebackfillCommand(terminal, pause, question),
                new RepairCommand(terminal, pause, question));
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

        /// @throws CommandFailure if the options do not fit together
        void check(ChangeOptions given) {}

        OperationFollower.Aim aim() {
            return OperationFollower.Aim.END;
        }

        @Override
        public final Integer call() {
            check(options);
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
            // The dry run of a repair goes on after the answer.
            if (!options.isDryRun() || aim() == OperationFollower.Aim.REPAIR) {
                return new OperationFollower(options, terminal, pause, output.isJson(), aim())
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
            name = "repair",
            description =
                    "Repair the rows of the target that differ: compare, read these rows again and"
                            + " send them through the log, in order with what applications write,"
                            + " and compare them again. --dry-run lists them and changes nothing.",
            mixinStandardHelpOptions = true)
    private static final class RepairCommand extends End {

        @Option(
                names = "--table",
                paramLabel = "TABLE",
                description = "Only this target table. The option can be repeated.")
        private List<String> tables = List.of();

        @Option(
                names = "--only",
                paramLabel = "ACTION",
                description =
                        "Only insert missing rows (insert), update rows that differ (update) or"
                                + " delete extra rows (delete). The option can be repeated.")
        private List<String> only = List.of();

        @Option(names = "--limit", paramLabel = "N", description = "Repair at most N rows.")
        private Optional<Long> limit = Optional.empty();

        @Option(
                names = "--rows-per-second",
                paramLabel = "N",
                description = "Read at most N rows per second again.")
        private Optional<Long> rowsPerSecond = Optional.empty();

        @Option(
                names = "--cancel",
                description = "End the repair that runs. Rows that are in the log stay repaired.")
        private boolean cancel;

        private RepairCommand(Terminal terminal, Pause pause, Question question) {
            super("repair", "Repair rows of the target", terminal, pause, question);
        }

        @Override
        void check(ChangeOptions given) {
            if (cancel && given.isDryRun()) {
                throw new CommandFailure(
                        ExitCode.USAGE,
                        "--cancel and --dry-run exclude each other.",
                        "Leave one of them out.");
            }
            if (!cancel && !given.isDryRun() && !given.hasReason()) {
                throw new CommandFailure(
                        ExitCode.USAGE,
                        "A repair needs a reason for the journal.",
                        "Add --reason and say why rows are repaired, or --dry-run to list them.");
            }
        }

        @Override
        OperationFollower.Aim aim() {
            return cancel ? OperationFollower.Aim.END : OperationFollower.Aim.REPAIR;
        }

        @Override
        Map<String, Object> fields() {
            Map<String, Object> fields = new HashMap<>();
            fields.put("tables", tables);
            fields.put("only", only);
            limit.ifPresent(rows -> fields.put("limit", rows));
            rowsPerSecond.ifPresent(rows -> fields.put("rowsPerSecond", rows));
            if (cancel) {
                fields.put("cancel", true);
            }
            return fields;
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
