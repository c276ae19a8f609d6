package dev.millrace.switchover;

import dev.millrace.switchover.GateFacts.Limits;
import dev.millrace.switchover.Operation.Kind;
import dev.millrace.switchover.Operation.State;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/// Decides whether a switchover or a rollback may begin, and shows what it would do. Pure.
///
/// @param gates as they are now
public record Switchover(Kind kind, List<Gate> gates) {

    public Switchover {
        gates = List.copyOf(gates);
    }

    public static Switchover judge(Kind kind, GateFacts facts, Limits limits, Instant now) {
        return new Switchover(kind, Gates.judge(kind, facts, limits, now));
    }

    /// The gates and the steps, as an operation that changes nothing.
    public Operation dryRun() {
        return new Operation(
                null,
                kind,
                State.DRY_RUN,
                SwitchStep.of(kind).stream()
                        .map(
                                step ->
                                        new Operation.Step(
                                                step.id(), "planned", null, null, step.text(kind)))
                        .toList(),
                gates,
                null,
                refusal(Set.of()).orElse("Every gate is open."));
    }

    /// Why the operation may not begin.
    ///
    /// @param forced names of gates that the operator wants to pass although they are closed
    public Optional<String> refusal(Set<String> forced) {
        return Gate.refusal(gates, forced, kind.id());
    }
}
