package dev.millrace.cli;

import dev.millrace.cli.ChangeOptions.Question;
import dev.millrace.cli.OperationFollower.Aim;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import tools.jackson.databind.JsonNode;

@Command(
        name = "approve",
        description =
                "Approve a switchover, rollback, complete or abort that another person has asked"
                        + " for, and follow it. 'millrace status' shows the ids of those that wait.",
        mixinStandardHelpOptions = true)
final class ApproveCommand implements Callable<Integer> {

    private final Terminal terminal;
    private final Pause pause;
    private final Question question;
    @Mixin private ChangeOptions options = new ChangeOptions();
    @Mixin private OutputOption output = new OutputOption();

    @Parameters(paramLabel = "ID", description = "The request that waits.")
    private UUID id = new UUID(0, 0);

    @Option(names = "--withdraw", description = "End the wait instead. Nothing begins.")
    private boolean withdraw;

    ApproveCommand(Terminal terminal, Pause pause, Question question) {
        this.terminal = terminal;
        this.pause = pause;
        this.question = question;
    }

    @Override
    public Integer call() {
        String path = "approvals/" + id;
        if (withdraw || options.isDryRun()) {
            return options.make(
                    path + (withdraw ? "/withdraw" : "/approve"),
                    withdraw ? "Withdraw the request " + id : question(),
                    Map.of(),
                    terminal,
                    pause,
                    question);
        }
        return options.send(
                        path + "/approve",
                        question(),
                        Map.of(),
                        Optional.empty(),
                        terminal,
                        pause,
                        question)
                .map(reply -> follow(reply.path("operation")))
                .orElse(ExitCode.REFUSED);
    }

    private String question() {
        return "Approve the request " + id + " and begin it";
    }

    private int follow(JsonNode operation) {
        String kind = operation.path("kind").asString("");
        Aim aim = kind.equals("switchover") || kind.equals("rollback") ? Aim.MOVE : Aim.END;
        return new OperationFollower(options, terminal, pause, output.isJson(), aim)
                .follow(operation);
    }
}
