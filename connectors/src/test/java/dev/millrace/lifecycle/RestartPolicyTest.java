package dev.millrace.lifecycle;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.lifecycle.RestartPolicy.Decision;
import dev.millrace.lifecycle.RestartPolicy.History;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RestartPolicyTest {

    private static final Instant NOON = Instant.parse("2026-01-02T12:00:00Z");
    private static final RestartPolicy POLICY =
            new RestartPolicy(Duration.ofMillis(100), Duration.ofSeconds(5), 3);

    /// Each event is `second event`; each outcome is the delay in milliseconds and the second since
    /// which the component fails, or how it ends.
    @ParameterizedTest(name = "{0}: {1}")
    @CsvSource(
            delimiter = '|',
            textBlock =
                    """
                    servers away, without limit   | 0 retry, 1 retry, 2 retry, 3 retry, 4 retry, 5 retry, 6 retry, 7 retry | 100/0, 200/0, 400/0, 800/0, 1600/0, 3200/0, 5000/0, 5000/0
                    an operator is needed         | 0 operator, 1 operator, 2 operator, 3 operator | 100/0, 200/0, 400/0, 800/0
                    progress resets the delay     | 0 retry, 1 retry, 2 progress, 3 retry          | 100/0, 200/0, 100/3
                    working resets only the time  | 0 retry, 1 retry, 2 working, 3 retry           | 100/0, 200/0, 400/3
                    a long run is progress        | 0 retry, 1 working, 301 retry                  | 100/0, 100/301
                    a shorter run is not          | 0 retry, 1 working, 300 retry                  | 100/0, 200/300
                    identical unexplained         | 0 odd 1, 6 odd 2, 12 odd 3                    | 5000/0, 5000/0, fatal
                    different unexplained         | 0 odd 1, 6 strange, 12 odd 2, 18 strange, 24 odd 3 | 5000/0, 5000/0, 5000/0, 5000/0, fatal
                    progress between unexplained  | 0 odd 1, 6 odd 2, 12 progress, 18 odd 3, 24 odd 4  | 5000/0, 5000/0, 5000/18, 5000/18
                    work between unexplained      | 0 odd 1, 6 working, 7 odd 2, 12 working, 13 odd 3  | 5000/0, 5000/7, fatal
                    a server away in between      | 0 odd 1, 6 odd 2, 12 retry, 18 odd 3           | 5000/0, 5000/0, 400/0, fatal
                    take-overs despite progress   | 0 takeover, 60 progress, 61 takeover, 120 progress, 121 takeover | 5000/0, 5000/61, fatal
                    rare take-overs               | 0 takeover, 400 progress, 401 takeover, 601 takeover, 1002 progress, 1202 takeover | 5000/0, 5000/401, 5000/401, 5000/1202
                    lost                          | 0 retry, 1 lost                                | 100/0, lost
                    interrupted snapshot          | 0 interrupted                                  | interrupted
                    fatal                         | 0 fatal                                        | fatal
                    """)
    void decidesBySequence(String name, String events, String outcomes) {
        assertThat(run(POLICY, events)).containsExactly(outcomes.split(", "));
    }

    @Test
    void endlessPolicyNeverEndsAnUnexplainedFailure() {
        assertThat(run(RestartPolicy.endless(), "0 odd, 6 odd, 12 odd, 18 odd, 24 odd"))
                .containsExactly("5000/0", "5000/0", "5000/0", "5000/0", "5000/0");
    }

    @Test
    void namesTheReasonAndWhatToDoWhenItEnds() {
        History history = History.none();
        for (int i = 0; i < 2; i++) {
            history = POLICY.after(history, new Failure.Unexplained("odd"), NOON).history();
        }

        assertThat(POLICY.after(history, new Failure.Unexplained("odd"), NOON).state().text())
                .isEqualTo(
                        "failed: odd, 3 times in a row while the servers answer. Remove the cause (the"
                                + " log shows where it occurred), then restart Millrace.");
    }

    private static List<String> run(RestartPolicy policy, String events) {
        List<String> outcomes = new ArrayList<>();
        History history = History.none();
        for (String each : events.split(", ")) {
            String[] event = each.split(" ", 2);
            Instant now = NOON.plusSeconds(Long.parseLong(event[0]));
            switch (event[1]) {
                case "progress" -> history = history.progressed();
                case "working" -> history = history.working(now);
                default -> {
                    Decision decision = policy.after(history, failure(event[1]), now);
                    outcomes.add(outcome(decision));
                    history = decision.history();
                }
            }
        }
        return outcomes;
    }

    private static Failure failure(String name) {
        return switch (name) {
            case "retry" -> new Failure.Retry("no answer");
            case "operator" -> new Failure.OperatorNeeded("login refused", "Correct the password.");
            case "takeover" -> new Failure.TakenOver("taken over", "End the other process.");
            case "lost" -> new Failure.Lost("deleted unread");
            case "interrupted" -> new Failure.SnapshotInterrupted("incomplete");
            case "fatal" -> new Failure.Fatal("cannot be decoded");
            default -> new Failure.Unexplained(name);
        };
    }

    private static String outcome(Decision decision) {
        return switch (decision.state()) {
            case ComponentState.Waiting waiting ->
                    decision.delay().toMillis()
                            + "/"
                            + Duration.between(NOON, waiting.since()).toSeconds();
            case ComponentState.Failed(Failure.Fatal _, Instant _) -> "fatal";
            case ComponentState.Failed(Failure.Lost _, Instant _) -> "lost";
            case ComponentState.Failed(Failure.SnapshotInterrupted _, Instant _) -> "interrupted";
            case ComponentState.Starting _, ComponentState.Running _, ComponentState.Stopped _ ->
                    throw new AssertionError(decision.state());
        };
    }
}
