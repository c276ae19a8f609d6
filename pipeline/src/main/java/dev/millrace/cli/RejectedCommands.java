package dev.millrace.cli;

import dev.millrace.cli.ChangeOptions.Question;
import dev.millrace.cli.service.ServiceClient;
import dev.millrace.cli.text.RejectedView;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import tools.jackson.databind.JsonNode;

/// The command `rejected` with `list`, `show`, `retry` and `skip`.
@Command(
        name = "rejected",
        description =
                "List keys whose changes the target refused, and apply or drop these changes.",
        mixinStandardHelpOptions = true,
        synopsisSubcommandLabel = "COMMAND")
final class RejectedCommands implements Callable<Integer> {

    private RejectedCommands() {}

    static CommandLine of(Terminal terminal, Pause pause, Question question) {
        return new CommandLine(new RejectedCommands())
                .addSubcommand(new ListCommand(terminal, pause))
                .addSubcommand(new ShowCommand(terminal, pause))
                .addSubcommand(new RetryCommand(terminal, pause, question))
                .addSubcommand(new SkipCommand(terminal, pause, question));
    }

    @Override
    public Integer call() {
        throw new CommandFailure(
                ExitCode.USAGE,
                "A command is missing.",
                "Run 'millrace rejected list', 'show', 'retry' or 'skip'.");
    }

    @Command(
            name = "list",
            description = "List the keys, the oldest first, with the cause of each.",
            mixinStandardHelpOptions = true)
    private static final class ListCommand implements Callable<Integer> {

        private final Terminal terminal;
        private final Pause pause;
        @Mixin private ServiceOptions service = new ServiceOptions();
        @Mixin private OutputOption output = new OutputOption();

        @Option(
                names = "--table",
                paramLabel = "SCHEMA.TABLE",
                description = "List only keys of this target table.")
        private @Nullable String table;

        @Option(
                names = "--limit",
                paramLabel = "N",
                description = "List at most N keys (default: ${DEFAULT-VALUE}).",
                defaultValue = "1000")
        private int limit;

        private ListCommand(Terminal terminal, Pause pause) {
            this.terminal = terminal;
            this.pause = pause;
        }

        @Override
        public Integer call() {
            ServiceClient client = service.connect(terminal, pause);
            String query =
                    table == null
                            ? ""
                            : "&table=" + URLEncoder.encode(table, StandardCharsets.UTF_8);
            String body = client.get("rejected?limit=" + limit + query, ServiceClient.JSON);
            if (output.isJson()) {
                terminal.out().println(body);
            } else {
                RejectedView.list(client.tree(body)).forEach(terminal.out()::println);
            }
            return ExitCode.DONE;
        }
    }

    @Command(
            name = "show",
            description = "Show a key with the changes that wait. Prints values of the row.",
            mixinStandardHelpOptions = true)
    private static final class ShowCommand implements Callable<Integer> {

        private final Terminal terminal;
        private final Pause pause;
        @Mixin private ServiceOptions service = new ServiceOptions();
        @Mixin private OutputOption output = new OutputOption();

        @Parameters(paramLabel = "ID", description = "The id from 'rejected list'.")
        private long id;

        private ShowCommand(Terminal terminal, Pause pause) {
            this.terminal = terminal;
            this.pause = pause;
        }

        @Override
        public Integer call() {
            ServiceClient client = service.connect(terminal, pause);
            String body = client.get("rejected/" + id, ServiceClient.JSON);
            if (output.isJson()) {
                terminal.out().println(body);
            } else {
                RejectedView.detail(client.tree(body)).forEach(terminal.out()::println);
            }
            return ExitCode.DONE;
        }
    }

    private abstract static class Change implements Callable<Integer> {

        private final Terminal terminal;
        private final Pause pause;
        private final Question question;
        @Mixin ChangeOptions options = new ChangeOptions();

        private Change(Terminal terminal, Pause pause, Question question) {
            this.terminal = terminal;
            this.pause = pause;
            this.question = question;
        }

        /// @return [ExitCode#FAILED] if a key waits on
        final int make(String verb, String asked, Map<String, Object> change) {
            Optional<JsonNode> answer =
                    options.send(
                            "rejected/" + verb,
                            asked,
                            change,
                            Optional.empty(),
                            terminal,
                            pause,
                            question);
            if (answer.isEmpty()) {
                return ExitCode.REFUSED;
            }
            RejectedView.outcome(answer.get()).forEach(terminal.out()::println);
            return answer.get().path("refused").isEmpty() ? ExitCode.DONE : ExitCode.FAILED;
        }
    }

    @Command(
            name = "retry",
            description =
                    "Apply the changes that wait, each key's in their order. Remove the cause"
                            + " before. Keys that are refused again wait on.",
            mixinStandardHelpOptions = true)
    private static final class RetryCommand extends Change {

        @ArgGroup(exclusive = true, multiplicity = "1")
        private Which which = new Which();

        static final class Which {

            @Parameters(paramLabel = "ID", description = "Ids from 'rejected list'.")
            private List<Long> ids = List.of();

            @Option(names = "--all", description = "Every key that waits.")
            private boolean all;
        }

        private RetryCommand(Terminal terminal, Pause pause, Question question) {
            super(terminal, pause, question);
        }

        @Override
        public Integer call() {
            return which.all
                    ? make("retry", "Retry all rejected keys", Map.of("all", true))
                    : make(
                            "retry",
                            "Retry " + which.ids.size() + " rejected keys",
                            Map.of("ids", which.ids));
        }
    }

    @Command(
            name = "skip",
            description =
                    "Drop the changes that wait. The target keeps its row, and later changes are"
                            + " applied. A reconciliation shows such a key as different.",
            mixinStandardHelpOptions = true)
    private static final class SkipCommand extends Change {

        @Parameters(arity = "1..*", paramLabel = "ID", description = "Ids from 'rejected list'.")
        private List<Long> ids = List.of();

        private SkipCommand(Terminal terminal, Pause pause, Question question) {
            super(terminal, pause, question);
        }

        @Override
        public Integer call() {
            if (!options.hasReason()) {
                throw new CommandFailure(
                        ExitCode.USAGE,
                        "A key is skipped only for a reason, which the journal keeps.",
                        "Add --reason TEXT.");
            }
            return make(
                    "skip",
                    "Drop the changes of " + ids.size() + " rejected keys for good",
                    Map.of("ids", ids));
        }
    }
}
