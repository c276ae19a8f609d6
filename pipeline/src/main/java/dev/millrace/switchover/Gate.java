package dev.millrace.switchover;

import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;

/// A condition of the switchover with its value, as data. A gate whose value is unknown is closed.
/// Immutable.
///
/// @param name a stable identifier for scripts: `verdict`
/// @param value what was found, in words
/// @param limit what is required, in words
/// @param ok true if the gate is open
/// @param forceable true if only an operator can judge the closed gate and may pass it with
///   `--force` and a reason
/// @param reason why the gate is closed and what to do; empty for an open gate
public record Gate(
        String name, String value, String limit, boolean ok, boolean forceable, String reason) {

    static Gate open(String name, String value, String limit) {
        return new Gate(name, value, limit, true, false, "");
    }

    static Gate closed(String name, String value, String limit, String reason) {
        return new Gate(name, value, limit, false, false, reason);
    }

    /// A closed gate that an operator may force.
    static Gate doubtful(String name, String value, String limit, String reason) {
        return new Gate(name, value, limit, false, true, reason);
    }

    /// Why an operation may not begin.
    ///
    /// @param forced names of gates that the operator wants to pass although they are closed
    /// @param verb the command that lists the gates
    public static Optional<String> refusal(List<Gate> gates, Set<String> forced, String verb) {
        Set<String> unknown = new TreeSet<>(forced);
        gates.forEach(gate -> unknown.remove(gate.name()));
        if (!unknown.isEmpty()) {
            return Optional.of(
                    "Unknown gates: %s. Run 'millrace %s --dry-run' to list the gates."
                            .formatted(String.join(", ", unknown), verb));
        }
        List<Gate> closed =
                gates.stream()
                        .filter(gate -> !gate.ok())
                        .filter(gate -> !(gate.forceable() && forced.contains(gate.name())))
                        .toList();
        return closed.isEmpty()
                ? Optional.empty()
                : Optional.of(
                        closed.stream()
                                .map(
                                        gate ->
                                                "Gate %s is closed%s (%s): %s"
                                                        .formatted(
                                                                gate.name(),
                                                                forced.contains(gate.name())
                                                                        ? " and cannot be forced"
                                                                        : "",
                                                                gate.value(),
                                                                gate.reason()))
                                .collect(Collectors.joining("\n")));
    }
}
