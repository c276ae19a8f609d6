package dev.millrace.cli;

import dev.millrace.cli.service.ServiceClient;
import dev.millrace.cli.text.OperationView;
import dev.millrace.cli.text.OperationView.Step;
import dev.millrace.cli.text.RepairView;
import dev.millrace.cli.text.Verdict;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.Map;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/// Follows an operation to its end, prints each step once when it starts and once when it ends, and
/// turns the end into an exit code. A service that does not answer is asked again for some minutes,
/// because a restarted service continues the operation. Not thread-safe.
final class OperationFollower {

    /// Longer than a restart of the service, which continues the operation.
    private static final Duration LOST = Duration.ofMinutes(5);

    private final ChangeOptions options;
    private final Terminal terminal;
    private final Pause pause;
    private final boolean json;
    private final Aim aim;
    private final Map<String, Step> printed = new HashMap<>();
    private final Map<String, String> purposes = new HashMap<>();

    /// What the operator wants to reach.
    enum Aim {
        MOVE,
        CANCEL,
        /// The operation continues after an answer.
        ANSWER,
        /// The migration ends, or rows are read again.
        END,
        /// Rows are equal; the exit code is that of the verdict.
        REPAIR
    }

    /// @param json only the operation at its end is printed, as JSON
    OperationFollower(
            ChangeOptions options, Terminal terminal, Pause pause, boolean json, Aim aim) {
        this.options = options;
        this.terminal = terminal;
        this.pause = pause;
        this.json = json;
        this.aim = aim;
    }

    /// @param accepted the operation as the service accepted it
    /// @return an [ExitCode]
    int follow(JsonNode accepted) {
        OperationView begun = new OperationView(accepted);
        if (begun.id().isEmpty()) {
            throw new CommandFailure(
                    ExitCode.FAILED,
                    "The service accepted the request but returned no operation.",
                    "Check that --url is the address of a Millrace service of this version, and"
                            + " look at the operation with '"
                            + options.command("status")
                            + "'.");
        }
        if (!json) {
            terminal.out()
                    .println(
                            "Operation %s (%s). Ctrl-C stops following it, not the operation."
                                    .formatted(begun.id(), begun.kind()));
        }
        OperationView end;
        try (OnInterrupt interrupt = new OnInterrupt(() -> leave(begun.kind()))) {
            end = await(begun);
            if (!interrupt.done()) {
                return ExitCode.UNDECIDED;
            }
        }
        return conclude(end);
    }

    private int leave(String kind) {
        terminal.err()
                .println(
                        "Stopped following. The operation continues; look at it with '"
                                + options.command("status")
                                + "'.");
        if (aim == Aim.MOVE || aim == Aim.REPAIR) {
            terminal.err()
                    .println(
                            "To cancel it while that is possible, run '"
                                    + options.command(kind + " --cancel")
                                    + "'.");
        }
        return ExitCode.UNDECIDED;
    }

    private OperationView await(OperationView begun) {
        ServiceClient client = options.connect(terminal, pause);
        Pause.Growing growing = new Pause.Growing(pause);
        Instant answered = terminal.clock().instant();
        boolean announced = false;
        OperationView shown = begun;
        print(shown);
        while (!isEnd(shown)) {
            growing.pause();
            try {
                shown =
                        new OperationView(
                                client.tree(
                                        client.get(
                                                "operations/" + begun.id(), ServiceClient.JSON)));
                answered = terminal.clock().instant();
                announced = false;
                if (print(shown)) {
                    growing.restart();
                }
            } catch (CommandFailure e) {
                requireTemporary(e, begun, answered);
                if (!announced) {
                    announced = true;
                    terminal.err().println("Waiting for the service: " + e.getMessage());
                }
            }
        }
        return shown;
    }

    private static boolean isEnd(OperationView operation) {
        return switch (operation.state()) {
            case "done", "dryRun", "returned", "unresolved" -> true;
            default -> false;
        };
    }

    /// @throws CommandFailure if asking again is of no use, or was of none for too long
    private void requireTemporary(CommandFailure failure, OperationView begun, Instant answered) {
        if (failure.exitCode() != ExitCode.FAILED) {
            throw failure;
        }
        if (terminal.clock().instant().isAfter(answered.plus(LOST))) {
            throw new CommandFailure(
                    ExitCode.UNDECIDED,
                    "The end of the operation %s is unknown, because the service has not answered for %d min: %s"
                            .formatted(begun.id(), LOST.toMinutes(), failure.getMessage()),
                    "Start the service: it continues the operation. Then look at it with '"
                            + options.command("status")
                            + "'.",
                    failure);
        }
    }

    /// @return true if something is new
    private boolean print(OperationView operation) {
        boolean isNew = false;
        for (Step step : operation.steps()) {
            if (step.state().equals("planned")) {
                purposes.put(step.name(), step.note());
            } else if (isNew(step)) {
                isNew = true;
                printed.put(step.name(), step);
                if (!json) {
                    terminal.out().println(withPurpose(step).line());
                }
            }
        }
        return isNew;
    }

    /// A step that is tried again says so once for each reason.
    private boolean isNew(Step step) {
        Step last = printed.get(step.name());
        if (last == null) {
            return true;
        }
        boolean isAgain = step.state().equals("started") && last.state().equals("failed");
        boolean isSame = step.state().equals(last.state()) && step.note().equals(last.note());
        return !isAgain && !isSame;
    }

    private Step withPurpose(Step step) {
        return step.state().equals("started") && step.note().isEmpty()
                ? new Step(step.name(), step.state(), "", purposes.getOrDefault(step.name(), ""))
                : step;
    }

    private int conclude(OperationView end) {
        if (aim == Aim.REPAIR) {
            return repaired(end);
        }
        if (json) {
            terminal.out().println(end.operation());
        }
        return switch (end.state()) {
            case "done", "dryRun" -> done(end);
            case "returned" -> returned(end);
            default -> throw unresolved(end);
        };
    }

    private int done(OperationView end) {
        if (aim == Aim.CANCEL) {
            throw new CommandFailure(
                    ExitCode.FAILED,
                    "The %s was not cancelled, because it was too late. %s"
                            .formatted(end.kind(), end.outcome()),
                    "The way back is '" + options.command(back(end.kind())) + "'.");
        }
        say(end.outcome());
        if (aim == Aim.END) {
            return ExitCode.DONE;
        }
        end.waited().ifPresent(this::say);
        say(
                end.kind().equals("switchover")
                        ? "The way back, without loss, is '" + options.command("rollback") + "'."
                        : "To move again, run '" + options.command("switchover") + "'.");
        return ExitCode.DONE;
    }

    private int repaired(OperationView end) {
        ObjectNode operation = JsonMapper.shared().createObjectNode();
        operation.setAll((ObjectNode) end.operation());
        ArrayNode keys = operation.putArray("keys");
        ServiceClient client = options.connect(terminal, pause);
        String after = "0";
        while (!after.isEmpty()) {
            String path = "operations/%s/keys?after=%s".formatted(end.id(), after);
            JsonNode page = client.tree(client.get(path, ServiceClient.JSON));
            page.path("keys").forEach(keys::add);
            after = page.path("next").asString("");
        }
        if (json) {
            terminal.out().println(operation);
        } else {
            new RepairView(operation).lines().forEach(this::say);
        }
        say(end.outcome() + ".");
        return Verdict.of(operation.path("verdict").asString("")).exitCode();
    }

    private static String back(String kind) {
        return kind.equals("switchover") ? "rollback" : "switchover";
    }

    private int returned(OperationView end) {
        if (aim == Aim.CANCEL) {
            say(end.outcome());
            end.waited().ifPresent(this::say);
            return ExitCode.DONE;
        }
        end.waited().ifPresent(this::say);
        throw new CommandFailure(
                ExitCode.FAILED,
                "The %s went back: %s".formatted(end.kind(), end.outcome()),
                "Remove the cause, check with '"
                        + options.command(end.kind() + " --dry-run")
                        + "' and run the command again.");
    }

    private CommandFailure unresolved(OperationView end) {
        return new CommandFailure(
                ExitCode.UNDECIDED,
                "The %s is unresolved: only a person can say whether the application was routed. %s"
                        .formatted(end.kind(), end.outcome()),
                "If it uses the new side, run '%s'.%nIf it does not, run '%s': it is routed again."
                        .formatted(answer("routed"), answer("not-routed")));
    }

    private String answer(String answer) {
        return options.command("resolve --answer " + answer + " --reason TEXT");
    }

    private void say(String line) {
        if (!json) {
            terminal.out().println(line);
        }
    }
}
