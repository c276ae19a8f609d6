package dev.millrace.cli;

import dev.millrace.cli.ChangeOptions.Question;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/// The commands `pause`, `resume`, `kill` and `throttle`. The service decides what can be paused.
final class FlowCommands {

    private FlowCommands() {}

    static List<Callable<Integer>> all(Terminal terminal, Pause pause, Question question) {
        return List.of(
                new PauseCommand(terminal, pause, question),
                new ResumeCommand(terminal, pause, question),
                new KillCommand(terminal, pause, question),
                new ThrottleCommand(terminal, pause, question));
    }

    private abstract static class Change implements Callable<Integer> {

        private final Terminal terminal;
        private final Pause pause;
        private final Question question;
        @Mixin private ChangeOptions options = new ChangeOptions();

        private Change(Terminal terminal, Pause pause, Question question) {
            this.terminal = terminal;
            this.pause = pause;
            this.question = question;
        }

        final int make(String path, String asked, Map<String, Object> change) {
            return options.make(path, asked, change, terminal, pause, question);
        }
    }

    @Command(
            name = "pause",
            description =
                    "Stop reading existing rows (backfill), writing to the target (apply) or both (all)"
                            + " within a second, and leave no transaction open. Changes are still"
                            + " captured into the log. A restart keeps the pause.",
            mixinStandardHelpOptions = true)
    private static final class PauseCommand extends Change {

        @Parameters(paramLabel = "WHAT", description = "backfill, apply or all")
        private String what = "";

        private PauseCommand(Terminal terminal, Pause pause, Question question) {
            super(terminal, pause, question);
        }

        @Override
        public Integer call() {
            return make("pause", "Pause " + what, Map.of("what", List.of(what)));
        }
    }

    @Command(
            name = "resume",
            description =
                    "Continue after a pause or a kill, or continue a stopped table"
                            + " after you have removed the cause. The table applies every change that"
                            + " it missed.",
            mixinStandardHelpOptions = true)
    private static final class ResumeCommand extends Change {

        @ArgGroup(exclusive = true, multiplicity = "1")
        private Which which = new Which();

        @Option(
                names = "--accept-schema",
                description =
                        "Accept the definition that the source table has now. Only with --table.")
        private boolean acceptSchema;

        static final class Which {

            @Parameters(paramLabel = "WHAT", description = "backfill, apply or all")
            private String what = "";

            @Option(
                    names = "--table",
                    paramLabel = "SCHEMA.TABLE",
                    description = "A stopped target table.")
            private String table = "";
        }

        private ResumeCommand(Terminal terminal, Pause pause, Question question) {
            super(terminal, pause, question);
        }

        @Override
        public Integer call() {
            if (which.table.isEmpty()) {
                if (acceptSchema) {
                    throw new CommandFailure(
                            ExitCode.USAGE,
                            "--accept-schema is for one table.",
                            "Add --table SCHEMA.TABLE.");
                }
                return make("resume", "Resume " + which.what, Map.of("what", List.of(which.what)));
            }
            return make(
                    "resume",
                    acceptSchema
                            ? "Accept the changed source table and resume table " + which.table
                            : "Resume table " + which.table,
                    Map.of("table", which.table, "acceptSchema", acceptSchema));
        }
    }

    @Command(
            name = "kill",
            description =
                    "Stop all writes of Millrace on both sides at once: transactions that write are"
                            + " ended and rolled back. Nothing is lost. Changes are still captured into"
                            + " the log. A restart keeps this; 'resume all' ends it.",
            mixinStandardHelpOptions = true)
    private static final class KillCommand extends Change {

        private KillCommand(Terminal terminal, Pause pause, Question question) {
            super(terminal, pause, question);
        }

        @Override
        public Integer call() {
            return make("kill", "Stop all writes of Millrace", Map.of());
        }
    }

    @Command(
            name = "throttle",
            description =
                    "Limit how many existing rows the backfill reads per second, or how many changes"
                            + " apply writes, over all tables. A restart keeps the limit.",
            mixinStandardHelpOptions = true)
    private static final class ThrottleCommand extends Change {

        /// More is no limit, and its bytes must be a number.
        private static final long MOST_MEGABYTES = 1_000_000_000;

        @Parameters(
                paramLabel = "WHAT",
                arity = "0..1",
                defaultValue = "backfill",
                description = "backfill (default) or apply")
        private String what = "";

        @ArgGroup(exclusive = true, multiplicity = "1")
        private Limit limit = new Limit();

        static final class Limit {

            @Option(
                    names = "--rows-per-second",
                    paramLabel = "N",
                    description = "Rows per second, at least 1; 0 for no limit.")
            private long rows;

            @Option(
                    names = "--mb-per-second",
                    paramLabel = "N",
                    description = "MB of row data per second, at least 1; 0 for no limit.")
            private long megabytes;

            @Option(names = "--off", description = "No limit.")
            private boolean off;
        }

        private ThrottleCommand(Terminal terminal, Pause pause, Question question) {
            super(terminal, pause, question);
        }

        @Override
        public Integer call() {
            requirePossible("--rows-per-second", limit.rows);
            requirePossible("--mb-per-second", limit.megabytes);
            String part = what.equals("apply") ? "apply" : "the backfill";
            Map<String, Object> change =
                    limit.megabytes > 0
                            ? Map.of(
                                    "bytesPerSecond",
                                    Math.min(limit.megabytes, MOST_MEGABYTES) << 20)
                            : Map.of("rowsPerSecond", limit.rows);
            Map<String, Object> asked = new HashMap<>(change);
            asked.put("what", List.of(what));
            return make(
                    "throttle",
                    limit.megabytes > 0
                            ? "Limit %s to %d MB per second".formatted(part, limit.megabytes)
                            : limit.rows > 0
                                    ? "Limit %s to %d rows per second".formatted(part, limit.rows)
                                    : "Lift the limit of " + part,
                    asked);
        }

        private static void requirePossible(String option, long number) {
            if (number < 0) {
                throw new CommandFailure(
                        ExitCode.USAGE,
                        "%s is %d; it must be at least 1, or 0 for no limit."
                                .formatted(option, number),
                        "");
            }
        }
    }
}
