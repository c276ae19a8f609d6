package dev.millrace.cli.text;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.stream.Stream;
import tools.jackson.databind.JsonNode;

/// Renders one answer of the service about an operation that moves the traffic. An unknown state is
/// a state that the operation passes through. Immutable.
///
/// @param operation as in the answer of `GET operations/{id}`
public record OperationView(JsonNode operation) {

    private static final String STEP = "%-8s %-9s  %s";

    /// @param state `planned`, `started`, `done`, `failed` or `undone`
    /// @param note what the step does, did, or why it failed
    public record Step(String name, String state, String seconds, String note) {

        /// `done fence 0.112 s 3 tables`
        public String line() {
            String text = seconds.isEmpty() ? note : seconds + "  " + note;
            return STEP.formatted(state, name, text).stripTrailing();
        }
    }

    public String id() {
        return text(operation, "id");
    }

    /// `switchover` or `rollback`
    public String kind() {
        return text(operation, "kind");
    }

    public String state() {
        return text(operation, "state");
    }

    /// What was reached and why, or the question; empty while the operation runs.
    public String outcome() {
        return text(operation, "outcome");
    }

    public OptionalLong pauseMs() {
        JsonNode pause = operation.path("pauseMs");
        return pause.isNumber() ? OptionalLong.of(pause.asLong()) : OptionalLong.empty();
    }

    public boolean isOpen() {
        return gates().allMatch(gate -> gate.path("ok").asBoolean());
    }

    private Stream<JsonNode> gates() {
        return operation.path("gates").valueStream();
    }

    public List<Step> steps() {
        return operation.path("steps").valueStream().map(OperationView::step).toList();
    }

    private static Step step(JsonNode step) {
        return new Step(
                text(step, "name"),
                text(step, "state"),
                step.path("seconds").isNumber()
                        ? String.format(Locale.ROOT, "%.3f s", step.path("seconds").asDouble())
                        : "",
                text(step, "note"));
    }

    /// Gates and steps of a dry run.
    public List<String> plan() {
        List<String> lines = new ArrayList<>();
        if (gates().findAny().isPresent()) {
            lines.addAll(gateLines());
            lines.add("");
        }
        TextTable steps = new TextTable(Integer.MAX_VALUE, "STEP", "STATE", "");
        steps().forEach(step -> steps.row(step.name(), step.state(), step.note()));
        lines.addAll(steps.lines());
        return lines;
    }

    private List<String> gateLines() {
        TextTable table = new TextTable(Integer.MAX_VALUE, "GATE", "", "VALUE", "LIMIT");
        gates().forEach(
                        gate ->
                                table.row(
                                        text(gate, "name"),
                                        gate.path("ok").asBoolean() ? "open" : "CLOSED",
                                        text(gate, "value"),
                                        text(gate, "limit")));
        List<String> lines = new ArrayList<>(table.lines());
        gates().filter(gate -> !gate.path("ok").asBoolean())
                .map(OperationView::closed)
                .forEach(lines::add);
        return lines;
    }

    private static String closed(JsonNode gate) {
        return "%s: %s%s"
                .formatted(
                        text(gate, "name"),
                        text(gate, "reason"),
                        gate.path("forceable").asBoolean() ? " (can be forced)" : "");
    }

    /// The longest time for which the application waited; empty while it is unknown.
    public Optional<String> waited() {
        return pauseMs().isPresent()
                ? Optional.of("Writes waited for at most " + pauseMs().getAsLong() + " ms.")
                : Optional.empty();
    }

    private static String text(JsonNode node, String field) {
        return node.path(field).asString("");
    }
}
