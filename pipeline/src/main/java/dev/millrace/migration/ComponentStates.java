package dev.millrace.migration;

import dev.millrace.lifecycle.ComponentState;
import dev.millrace.lifecycle.Failure;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/// The states of everything that runs for a migration at one moment. The only place that derives
/// the parts of the status, readiness and the cause of a failed phase from them. Immutable.
///
/// @param conductor what keeps the conductor from its next step, if anything
record ComponentStates(
        ComponentState capture,
        ComponentState backfill,
        ComponentState mappings,
        ComponentState applier,
        ComponentState source,
        ComponentState target,
        ComponentState kafka,
        Optional<ComponentState> conductor) {

    List<StatusReport.Part> parts() {
        List<StatusReport.Part> parts = new ArrayList<>();
        parts.add(part("capture", capture));
        parts.add(part("backfill", backfill));
        parts.add(part("mappings", mappings));
        parts.add(part("applier", applier));
        parts.add(server("source", source));
        parts.add(server("target", target));
        parts.add(server("kafka", kafka));
        conductor.ifPresent(state -> parts.add(part("conductor", state)));
        return List.copyOf(parts);
    }

    /// Why the migration cannot continue: the first component in the order of the data that has
    /// ended. An interrupted snapshot is not a cause, because a new generation begins.
    Optional<String> ended() {
        return Stream.of(capture, backfill, applier, mappings)
                .flatMap(ComponentStates::cause)
                .findFirst();
    }

    /// Why the rows must be read again before the migration can continue.
    Optional<String> lost() {
        return Stream.of(capture, applier, mappings)
                .filter(ComponentState.Failed.class::isInstance)
                .map(state -> ((ComponentState.Failed) state).failure())
                .filter(Failure.Lost.class::isInstance)
                .map(Failure::reason)
                .findFirst();
    }

    boolean isSnapshotInterrupted() {
        return capture instanceof ComponentState.Failed(Failure.SnapshotInterrupted _, Instant _);
    }

    private static Stream<String> cause(ComponentState state) {
        return switch (state) {
            case ComponentState.Failed(Failure.Fatal fatal, Instant _) -> Stream.of(fatal.reason());
            case ComponentState.Failed(Failure.Lost lost, Instant _) -> Stream.of(lost.text());
            case ComponentState.Failed(Failure.SnapshotInterrupted _, Instant _),
                    ComponentState.Starting _,
                    ComponentState.Running _,
                    ComponentState.Waiting _,
                    ComponentState.Stopped _ ->
                    Stream.empty();
        };
    }

    static StatusReport.Part part(String name, ComponentState state) {
        return new StatusReport.Part(name, state.text(), state.isHealthy(), state.since());
    }

    /// Retention as its probe sees it. A round that has not ended yet is no trouble.
    static StatusReport.Part retention(ComponentState probe) {
        return switch (probe) {
            case ComponentState.Starting _, ComponentState.Running _ ->
                    new StatusReport.Part("retention", "running", true, probe.since());
            case ComponentState.Waiting _, ComponentState.Failed _, ComponentState.Stopped _ ->
                    part("retention", probe);
        };
    }

    /// A server as its probe sees it. A probe that has just started or is closed has seen no
    /// trouble.
    private static StatusReport.Part server(String name, ComponentState probe) {
        return switch (probe) {
            case ComponentState.Waiting(Failure.Retry(String reason), Instant since) ->
                    new StatusReport.Part(name, "unreachable: " + reason, false, since);
            case ComponentState.Waiting _, ComponentState.Failed _ -> part(name, probe);
            case ComponentState.Starting _, ComponentState.Running _, ComponentState.Stopped _ ->
                    new StatusReport.Part(name, ComponentState.Activity.PROBING.text(), true, null);
        };
    }
}
