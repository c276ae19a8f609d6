package dev.millrace.console;

import dev.millrace.approval.Approval;
import dev.millrace.approval.Approvals;
import dev.millrace.approval.Approvals.Person;
import dev.millrace.cli.text.Figures;
import dev.millrace.cli.text.RollbackView;
import dev.millrace.migration.MigrationControl;
import dev.millrace.migration.StatusReport;
import dev.millrace.replication.RefusedException;
import dev.millrace.switchover.Gate;
import dev.millrace.switchover.Operation;
import dev.millrace.switchover.Operation.Kind;
import dev.millrace.switchover.SwitchoverRequest;
import dev.millrace.switchover.SwitchoverRequest.Action;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/// The values of the page *Switchover*.
///
/// @param verb `switchover` or `rollback`, whichever is possible from this phase
/// @param last the operation that runs, or that ended within the last hour
/// @param price what a rollback would cost now, by label; empty unless one is possible
/// @param gates as they were when the page was opened; `null` if they were not asked for
/// @param waiting requests that wait for another approver
public record Switchover(
        String verb,
        @Nullable Last last,
        Map<String, String> price,
        @Nullable Gates gates,
        List<Waiting> waiting) {

    /// A page without requests that wait.
    Switchover(String verb, @Nullable Last last, Map<String, String> price, @Nullable Gates gates) {
        this(verb, last, price, gates, List.of());
    }

    /// A request that waits for another approver.
    ///
    /// @param denied why this visitor cannot approve it, whatever their role; empty if they can
    public record Waiting(Approval request, String denied) {}

    Switchover with(Approvals approvals, Person visitor) {
        return new Switchover(
                verb,
                last,
                price,
                gates,
                approvals.pending().stream()
                        .map(
                                each ->
                                        new Waiting(
                                                each,
                                                approvals.isOwn(each.id(), visitor)
                                                        ? "You asked for this. Another approver must approve it."
                                                        : ""))
                        .toList());
    }

    /// @param title kind and state
    /// @param outcome what was reached, or the question of an unresolved operation; may be empty
    public record Last(String title, String outcome, List<Step> steps) {}

    /// @param severity `good`, `bad` or `busy`; empty for a step that is planned
    /// @param took the time until now of a step that runs; empty before it begins
    public record Step(String name, String state, String severity, String took, String note) {

        static Step of(Operation.Step step, Instant now) {
            return new Step(
                    step.name(),
                    step.state(),
                    switch (step.state()) {
                        case "done" -> "good";
                        case "failed" -> "bad";
                        case "planned" -> "";
                        default -> "busy";
                    },
                    took(step, now),
                    step.note() == null ? "" : step.note());
        }

        private static String took(Operation.Step step, Instant now) {
            if (step.seconds() != null) {
                return String.format(Locale.ROOT, "%.3f s", step.seconds());
            }
            return step.startedAt() == null || !step.state().equals("started")
                    ? ""
                    : Figures.seconds(
                                    Math.max(
                                            0,
                                            Duration.between(step.startedAt(), now).toMillis()
                                                    / 1_000.0))
                            + " until now";
        }
    }

    /// @param at when they were judged
    /// @param refusal why they cannot be judged; empty if they can
    /// @param steps of the next operation
    public record Gates(String at, String refusal, List<Gate> gates, List<Step> steps) {

        public long closed() {
            return gates.stream().filter(gate -> !gate.ok()).count();
        }

        /// The options that force the gates that only an operator can judge.
        public String forcing() {
            return gates.stream()
                    .filter(gate -> !gate.ok() && gate.forceable())
                    .map(gate -> " --force " + gate.name())
                    .collect(Collectors.joining());
        }
    }

    static Switchover of(MigrationControl control, StatusReport status, Instant now) {
        Switchover operation = operation(control, status, now);
        return new Switchover(
                operation.verb, operation.last, operation.price, gates(control, kind(status), now));
    }

    /// Only what changes while an operation runs.
    static Switchover operation(MigrationControl control, StatusReport status, Instant now) {
        StatusReport.Move move = status.operation();
        Optional<Operation> found =
                move == null ? Optional.empty() : control.operation(UUID.fromString(move.id()));
        return new Switchover(
                kind(status).id(),
                found.map(operation -> last(operation, now)).orElse(null),
                status.rollback() == null ? Map.of() : RollbackView.lines(status.rollback()),
                null);
    }

    private static Kind kind(StatusReport status) {
        return status.phase().equals("REVERSIBLE") ? Kind.ROLLBACK : Kind.SWITCHOVER;
    }

    private static Last last(Operation operation, Instant now) {
        Long waited = operation.pauseMs();
        return new Last(
                operation.kind().id() + ": " + operation.state().id(),
                (operation.outcome() == null ? "" : operation.outcome())
                        + (waited == null
                                ? ""
                                : String.format(
                                        Locale.ROOT, " Writes waited for at most %,d ms.", waited)),
                steps(operation.steps(), now));
    }

    static List<Step> steps(List<Operation.Step> steps, Instant now) {
        return steps.stream().map(step -> Step.of(step, now)).toList();
    }

    private static Gates gates(MigrationControl control, Kind kind, Instant now) {
        String at = Figures.second(now.toString());
        try {
            Operation judged =
                    control.move(
                            new SwitchoverRequest(
                                    kind,
                                    Action.DRY_RUN,
                                    Set.of(),
                                    "",
                                    Optional.empty(),
                                    Optional.empty(),
                                    Optional.empty()));
            return new Gates(at, "", judged.gates(), steps(judged.steps(), now));
        } catch (RefusedException e) {
            return new Gates(at, e.getMessage() + ".", List.of(), List.of());
        }
    }

    /// The sentence about the direction of the next operation.
    public String meaning() {
        return verb.equals(Kind.ROLLBACK.id())
                ? "A rollback moves the application's writes from the target to the source."
                : "A switchover moves the application's writes from the source to the target.";
    }

    /// The verb of the operation that runs.
    public String cancelled() {
        return last == null || last.title().startsWith(Kind.SWITCHOVER.id())
                ? Kind.SWITCHOVER.id()
                : Kind.ROLLBACK.id();
    }

    /// The text of the button.
    public String action() {
        return verb.equals(Kind.ROLLBACK.id())
                ? "Roll back to the source"
                : "Switch over to the target";
    }
}
