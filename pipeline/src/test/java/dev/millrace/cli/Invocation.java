package dev.millrace.cli;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/// Runs the program in this process with a clock that only its pauses advance.
final class Invocation {

    private static final Instant START = Instant.parse("2026-11-21T06:00:00Z");

    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();
    private final List<Duration> pauses = new ArrayList<>();
    private Map<String, String> environment = Map.of();
    private final List<String> questions = new ArrayList<>();
    private boolean answer;
    private boolean interactive;
    private Providers providers = new Providers(null, null, null, null);
    private int exitCode;

    Invocation with(Map<String, String> environment) {
        this.environment = environment;
        return this;
    }

    Invocation with(Providers providers) {
        this.providers = providers;
        return this;
    }

    /// Answers the question whether a change may be made, on a terminal.
    Invocation answering(boolean yes) {
        answer = yes;
        return onScreen();
    }

    private boolean answer(String question) {
        questions.add(question);
        return answer;
    }

    List<String> questions() {
        return questions;
    }

    Invocation onScreen() {
        interactive = true;
        return this;
    }

    Invocation run(String... arguments) {
        Terminal terminal =
                new Terminal(
                        new PrintWriter(out, true),
                        new PrintWriter(err, true),
                        environment,
                        this::now,
                        interactive,
                        100);
        exitCode = new Millrace(terminal, providers, pauses::add, this::answer).run(arguments);
        return this;
    }

    private Instant now() {
        return START.plus(pauses.stream().reduce(Duration.ZERO, Duration::plus));
    }

    String out() {
        return out.toString();
    }

    String err() {
        return err.toString();
    }

    int exitCode() {
        return exitCode;
    }

    List<Duration> pauses() {
        return pauses;
    }
}
