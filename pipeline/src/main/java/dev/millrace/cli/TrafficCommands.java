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

/// The commands that move the application's writes: `switchover`, `rollback` and `resolve`. Each
/// sends one request and follows the operation to its end.
final class TrafficCommands {

    private TrafficCommands() {}

    static List<Callable<Integer>> all(Terminal terminal, Pause pause, Question question) {
        return List.of(
                new SwitchoverCommand(terminal, pause, question),
                new RollbackCommand(terminal, pause, question),
                new ResolveCommand(terminal, pause, question));
    }

    private abstract static class Traffic implements Callable<Integer> {

        final Terminal terminal;
        private final Pause pause;
        private final Question question;
        @Mixin ChangeOptions options = new ChangeOptions();
        @Mixin private OutputOption output = new OutputOption();

        private Traffic(Terminal terminal, Pause pause, Question question) {
            this.terminal = terminal;
            this.pause = pause;
            this.question = question;
        }

        /// @return the operation; empty if the operator did not agree
        final Optional<JsonNode> send(
                String path, String asked, Map<String, Object> change, Optional<UUID> key) {
            return options.send(path, asked, change, key, terminal, pause, question)
                    .map(reply -> reply.path("operation"));
        }

        final int print(JsonNode operation, List<String> lines, int exitCode) {
            if (output.isJson()) {
                terminal.out().println(operation);
            } else {
                lines.forEach(terminal.out()::println);
            }
            return exitCode;
        }

        final int follow(JsonNode operation, OperationFollower.Aim aim) {
            return new OperationFollower(options, terminal, pause, output.isJson(), aim)
                    .follow(operation);
        }
    }

    /// A move of the traffic in one of the directions.
    private abstract static class Move extends Traffic {

        private final String kind;

        @Option(
                names = "--cancel",
                description =
                        "Go back to the side that the application used before. Refused once the"
                                + " fence there is permanent.")
        private boolean cancel;

        @Option(
                names = "--force",
                paramLabel = "GATE",
                description =
                        "Pass this gate although it is closed; needs --reason. Only a gate that an"
                                + " operator can judge can be forced. The option can be repeated.")
        private List<String> forced = List.of();

        private Move(String kind, Terminal terminal, Pause pause, Question question) {
            super(terminal, pause, question);
            this.kind = kind;
        }

        /// What the operator is asked, without the question mark.
        abstract String asked(boolean cancel);

        @Override
        public final Integer call() {
            checkOptions();
            Map<String, Object> change = new HashMap<>();
            change.put("cancel", cancel);
            change.put("force", forced);
            Optional<JsonNode> answer =
                    send(kind, asked(cancel), change, Optional.of(UUID.randomUUID()));
            return answer.map(this::show).orElse(ExitCode.REFUSED);
        }

        private void checkOptions() {
            if (cancel && options.isDryRun()) {
                throw usage("--cancel and --dry-run exclude each other.", "Use one of them.");
            }
            if (!forced.isEmpty() && !options.hasReason()) {
                throw usage(
                        "--force needs a reason for the journal.",
                        "Add --reason and say why the gate may be passed.");
            }
        }

        /// @return an [ExitCode]; a dry run with a closed gate is refused
        private int show(JsonNode operation) {
            if (!options.isDryRun()) {
                return follow(
                        operation,
                        cancel ? OperationFollower.Aim.CANCEL : OperationFollower.Aim.MOVE);
            }
            OperationView view = new OperationView(operation);
            return print(operation, view.plan(), view.isOpen() ? ExitCode.DONE : ExitCode.REFUSED);
        }
    }

    @Command(
            name = "switchover",
            description =
                    "Move the application's writes to the target if every gate is open, and follow"
                            + " the steps. --dry-run shows gates and steps and changes nothing.",
            mixinStandardHelpOptions = true)
    private static final class SwitchoverCommand extends Move {

        private SwitchoverCommand(Terminal terminal, Pause pause, Question question) {
            super("switchover", terminal, pause, question);
        }

        @Override
        String asked(boolean cancel) {
            return cancel
                    ? "Cancel the switchover and return to the source"
                    : "Move the application's writes to the target";
        }
    }

    @Command(
            name = "rollback",
            description =
                    "Move the application's writes back to the source after a switchover, without"
                            + " loss, and follow the steps. --dry-run shows gates and steps and"
                            + " changes nothing.",
            mixinStandardHelpOptions = true)
    private static final class RollbackCommand extends Move {

        private RollbackCommand(Terminal terminal, Pause pause, Question question) {
            super("rollback", terminal, pause, question);
        }

        @Override
        String asked(boolean cancel) {
            return cancel
                    ? "Cancel the rollback and stay on the target"
                    : "Move the application's writes back to the source";
        }
    }

    @Command(
            name = "resolve",
            description =
                    "Answer an unresolved switchover or rollback: was the application routed to"
                            + " the new side? Needs --reason. The operation then continues.",
            mixinStandardHelpOptions = true)
    private static final class ResolveCommand extends Traffic {

        @Option(
                names = "--answer",
                required = true,
                paramLabel = "routed|not-routed",
                description =
                        "routed: the application uses the new side. not-routed: it does not; it"
                                + " is routed again.")
        private String answer = "";

        private ResolveCommand(Terminal terminal, Pause pause, Question question) {
            super(terminal, pause, question);
        }

        @Override
        public Integer call() {
            if (!answer.equals("routed") && !answer.equals("not-routed")) {
                throw usage("--answer is '" + answer + "'.", "Use --answer routed or not-routed.");
            }
            if (!options.hasReason()) {
                throw usage(
                        "The answer needs a reason for the journal.",
                        "Add --reason and say how you know it.");
            }
            Optional<JsonNode> resolved =
                    send(
                            "resolve",
                            answer.equals("routed")
                                    ? "Continue, because the application uses the new side"
                                    : "Route again, because the application does not use the new"
                                            + " side",
                            Map.of("answer", answer),
                            Optional.empty());
            return resolved.map(this::show).orElse(ExitCode.REFUSED);
        }

        private int show(JsonNode operation) {
            return options.isDryRun()
                    ? print(
                            operation,
                            List.of(
                                    "Dry run, nothing was changed. The answer is possible now. The"
                                            + " question is:",
                                    new OperationView(operation).outcome()),
                            ExitCode.DONE)
                    : follow(operation, OperationFollower.Aim.ANSWER);
        }
    }

    private static CommandFailure usage(String message, String remedy) {
        return new CommandFailure(ExitCode.USAGE, message, remedy);
    }
}
