package dev.millrace.lifecycle;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// Decides what follows from a failure: the next state of the component and the delay before its
/// next attempt. The only back-off of the product. Pure and immutable.
/// - [Failure.Retry] and [Failure.OperatorNeeded] are retried without limit. The delay doubles from
///   `first` to `longest` while attempts make no progress.
/// - [Failure.Unexplained] is retried after `longest`, so that a cause that passes within seconds
///   does not end the component. The component ends at the `unexplainedLimit`-th failure with the
///   same reason without progress in between.
/// - [Failure.TakenOver] is retried after `longest`, so that the other process can start or end.
///   The third one within ten minutes ends the component, because both processes then act as the
///   owner. Progress does not reset this count: each of the two makes progress between two
///   take-overs.
/// - [Failure.Terminal] ends the component.
///
/// @param unexplainedLimit number of identical unexplained failures that ends the component
public record RestartPolicy(Duration first, Duration longest, int unexplainedLimit) {

    private static final int TAKEOVER_LIMIT = 3;
    private static final Duration TAKEOVERS_WITHIN = Duration.ofMinutes(10);

    /// A run that worked this long counts as progress.
    private static final Duration LONG_RUN = Duration.ofMinutes(5);

    /// A server that comes back is used within 5 s, and at once after a short interruption.
    public static RestartPolicy standard() {
        return new RestartPolicy(Duration.ofMillis(100), Duration.ofSeconds(5), 3);
    }

    /// For a component that only observes: it loses nothing by another attempt, and if it ended,
    /// the operator would no longer see its server.
    public static RestartPolicy endless() {
        return new RestartPolicy(Duration.ofMillis(100), Duration.ofSeconds(5), Integer.MAX_VALUE);
    }

    /// The failures of a component that the next decision depends on. Immutable.
    ///
    /// @param failures in a row without progress
    /// @param unexplained how often each unexplained reason occurred without progress
    /// @param takeovers when another process took over, within the last ten minutes
    /// @param failingSince the first failure since the component last worked
    /// @param workingSince when the component last began to work
    public record History(
            int failures,
            Map<String, Integer> unexplained,
            List<Instant> takeovers,
            Optional<Instant> failingSince,
            Optional<Instant> workingSince) {

        public History {
            unexplained = Map.copyOf(unexplained);
            takeovers = List.copyOf(takeovers);
        }

        public static History none() {
            return new History(0, Map.of(), List.of(), Optional.empty(), Optional.empty());
        }

        /// The component has reached its work, which may fail again at once.
        public History working(Instant now) {
            return new History(
                    failures, unexplained, takeovers, Optional.empty(), Optional.of(now));
        }

        /// The component has done some of its work.
        public History progressed() {
            return new History(0, Map.of(), takeovers, Optional.empty(), workingSince);
        }

        private History failed(Failure failure, Instant now) {
            boolean worked =
                    workingSince
                            .filter(begun -> Duration.between(begun, now).compareTo(LONG_RUN) >= 0)
                            .isPresent();
            History before = worked ? progressed() : this;
            Map<String, Integer> counts = new HashMap<>(before.unexplained);
            if (failure instanceof Failure.Unexplained) {
                counts.merge(RepeatedFailures.kind(failure), 1, Integer::sum);
            }
            List<Instant> recent = new ArrayList<>(takeovers);
            recent.removeIf(at -> Duration.between(at, now).compareTo(TAKEOVERS_WITHIN) > 0);
            if (failure instanceof Failure.TakenOver) {
                recent.add(now);
            }
            return new History(
                    before.failures + 1,
                    counts,
                    recent,
                    Optional.of(before.failingSince.orElse(now)),
                    Optional.empty());
        }
    }

    /// What follows from a failure.
    ///
    /// @param state [ComponentState.Waiting], or [ComponentState.Failed] when there is no next
    ///   attempt
    /// @param delay before the next attempt; zero when there is none
    public record Decision(ComponentState state, Duration delay, History history) {}

    public Decision after(History before, Failure failure, Instant now) {
        History history = before.failed(failure, now);
        return switch (failure) {
            case Failure.Terminal terminal -> end(terminal, now, history);
            case Failure.TakenOver(String reason, String _)
                    when history.takeovers.size() >= TAKEOVER_LIMIT ->
                    end(
                            new Failure.Fatal(
                                    reason
                                            + ", "
                                            + TAKEOVER_LIMIT
                                            + " times within "
                                            + TAKEOVERS_WITHIN.toMinutes()
                                            + " minutes: two services use the same migration name on this Kafka. End the other service or give it another migration name, then restart Millrace."),
                            now,
                            history);
            case Failure.TakenOver takenOver -> wait(takenOver, longest, history, now);
            case Failure.Recoverable recoverable ->
                    wait(recoverable, delay(history.failures), history, now);
            case Failure.Unexplained(String reason) ->
                    history.unexplained.getOrDefault(RepeatedFailures.kind(failure), 0)
                                    >= unexplainedLimit
                            ? end(
                                    new Failure.Fatal(
                                            reason
                                                    + ", "
                                                    + unexplainedLimit
                                                    + " times in a row while the servers answer. Remove the cause (the log shows where it occurred), then restart Millrace."),
                                    now,
                                    history)
                            : wait(new Failure.Retry(reason), longest, history, now);
        };
    }

    private static Decision wait(
            Failure.Recoverable failure, Duration delay, History history, Instant now) {
        return new Decision(
                new ComponentState.Waiting(failure, history.failingSince.orElse(now)),
                delay,
                history);
    }

    private static Decision end(Failure.Terminal failure, Instant now, History history) {
        return new Decision(new ComponentState.Failed(failure, now), Duration.ZERO, history);
    }

    private Duration delay(int failures) {
        Duration doubled = first.multipliedBy(1L << Math.min(Math.max(failures - 1, 0), 20));
        return doubled.compareTo(longest) > 0 ? longest : doubled;
    }
}
