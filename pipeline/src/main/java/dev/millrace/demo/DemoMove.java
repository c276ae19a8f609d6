package dev.millrace.demo;

import java.io.IOException;
import java.time.Duration;
import java.util.HashSet;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.Predicate;
import tools.jackson.databind.JsonNode;

/// Asks the service to move the application's writes, and shows each step with its time. Used for
/// one operation; not thread-safe.
final class DemoMove {

    private static final Duration POLL_INTERVAL = Duration.ofMillis(200);
    private static final Duration TIMEOUT = Duration.ofMinutes(3);

    /// A gate may be closed for a moment: the lag is measured once a second.
    private static final Duration TIME_FOR_GATES = Duration.ofSeconds(30);

    private final ServiceHttp http;
    private final Consumer<String> out;
    private final Predicate<Duration> await;
    private final Set<String> shown = new HashSet<>();

    /// @param await waits for at most this time, and says whether the demo was asked to stop
    DemoMove(ServiceHttp http, Consumer<String> out, Predicate<Duration> await) {
        this.http = http;
        this.out = out;
        this.await = await;
    }

    /// @param kind `switchover` or `rollback`
    /// @return why the writes were not moved; empty if they were
    Optional<String> run(String kind) throws IOException {
        String id = begin(kind);
        long deadline = System.nanoTime() + TIMEOUT.toNanos();
        while (System.nanoTime() - deadline < 0) {
            JsonNode operation = http.operation(id);
            show(operation);
            String state = operation.path("state").asString("");
            String outcome = operation.path("outcome").asString("");
            switch (state) {
                case "done" -> {
                    out.accept(
                            outcome
                                    + " Writes waited for at most "
                                    + operation.path("pauseMs").asString("?")
                                    + " ms.");
                    return Optional.empty();
                }
                case "returned", "unresolved" -> {
                    return Optional.of("the " + kind + " ended as " + state + ": " + outcome);
                }
                default -> {}
            }
            if (await.test(POLL_INTERVAL)) {
                return Optional.of("interrupted during the " + kind);
            }
        }
        return Optional.of("no end of the " + kind + " after " + TIMEOUT.toMinutes() + " minutes");
    }

    /// @return the operation's id
    private String begin(String kind) throws IOException {
        long deadline = System.nanoTime() + TIME_FOR_GATES.toNanos();
        while (true) {
            try {
                return http.move(kind).path("id").asString("");
            } catch (IOException e) {
                if (System.nanoTime() - deadline >= 0 || await.test(Duration.ofSeconds(1))) {
                    throw e;
                }
            }
        }
    }

    private void show(JsonNode operation) {
        for (JsonNode step : operation.path("steps")) {
            String state = step.path("state").asString("");
            String name = step.path("name").asString("?");
            if (step.path("seconds").isNumber() && shown.add(name + " " + state)) {
                out.accept(
                        String.format(
                                        Locale.ROOT,
                                        "  %-8s %-12s %7.3f s  %s",
                                        state,
                                        name,
                                        step.path("seconds").asDouble(),
                                        step.path("note").asString(""))
                                .stripTrailing());
            }
        }
    }
}
