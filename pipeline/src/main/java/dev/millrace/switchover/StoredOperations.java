package dev.millrace.switchover;

import dev.millrace.control.OperationStore.StoredOperation;
import dev.millrace.control.OperationStore.StoredStep;
import dev.millrace.switchover.Operation.Kind;
import dev.millrace.switchover.Operation.State;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.type.TypeReference;
import tools.jackson.databind.json.JsonMapper;

/// Reads and writes what the control schema stores of an operation as text. Thread-safe.
public final class StoredOperations {

    private static final JsonMapper JSON = JsonMapper.builder().build();
    private static final TypeReference<List<Gate>> GATES = new TypeReference<>() {};

    private StoredOperations() {}

    public static String gates(List<Gate> gates) {
        return JSON.writeValueAsString(gates);
    }

    /// The operation as the API shows it, with the steps that it has not begun.
    public static Operation view(StoredOperation stored) {
        Kind kind = Kind.of(stored.kind());
        Map<String, StoredStep> begun =
                stored.steps().stream()
                        .collect(Collectors.toMap(StoredStep::name, Function.identity()));
        return new Operation(
                stored.id(),
                kind,
                State.of(stored.state()),
                SwitchStep.of(kind).stream()
                        .map(step -> step(step, kind, begun.get(step.id())))
                        .toList(),
                JSON.readValue(stored.gates(), GATES),
                stored.pauseMs().isPresent() ? stored.pauseMs().getAsLong() : null,
                stored.outcome().orElse(null));
    }

    private static Operation.Step step(SwitchStep step, Kind kind, @Nullable StoredStep stored) {
        return stored == null
                ? new Operation.Step(step.id(), "planned", null, null, step.text(kind))
                : new Operation.Step(
                        step.id(),
                        stored.state(),
                        stored.startedAt(),
                        stored.finishedAt()
                                .map(end -> Duration.between(stored.startedAt(), end))
                                .map(time -> time.toMillis() / 1000.0)
                                .orElse(null),
                        stored.note().orElse(null));
    }
}
