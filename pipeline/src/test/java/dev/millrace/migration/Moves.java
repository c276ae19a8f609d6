package dev.millrace.migration;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.control.OperationStore;
import dev.millrace.control.OperationStore.Beginning;
import dev.millrace.switchover.Gate;
import dev.millrace.switchover.Operation;
import dev.millrace.switchover.Operation.Kind;
import dev.millrace.switchover.Operation.State;
import dev.millrace.switchover.SwitchStep;
import dev.millrace.switchover.SwitchoverOperation;
import dev.millrace.switchover.SwitchoverRequest;
import dev.millrace.testing.Waits;
import java.sql.SQLException;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import org.awaitility.Awaitility;

/// Moves the traffic of a scene as an operator does.
record Moves(MigrationScene scene) {

    /// Waits for open gates, moves the traffic, and requires that it arrives.
    void move(Kind kind) {
        Operation operation = end(kind);
        assertThat(operation.state()).as(operation.toString()).isEqualTo(State.DONE);
    }

    /// Waits for open gates, moves the traffic, and waits for the end.
    Operation end(Kind kind) {
        awaitOpenGates(kind);
        return awaitEnd(
                Objects.requireNonNull(
                        ask(
                                        kind,
                                        SwitchoverRequest.Action.MOVE,
                                        Optional.of(UUID.randomUUID().toString()))
                                .id()));
    }

    void awaitOpenGates(Kind kind) {
        Awaitility.await()
                .atMost(Waits.LIMIT)
                .untilAsserted(
                        () ->
                                assertThat(
                                                ask(
                                                                kind,
                                                                SwitchoverRequest.Action.DRY_RUN,
                                                                Optional.empty())
                                                        .gates())
                                        .allMatch(Gate::ok));
    }

    Operation awaitEnd(UUID id) {
        return Awaitility.await()
                .atMost(Waits.LIMIT)
                .until(
                        () -> scene.running().operation(id).orElseThrow(),
                        operation -> operation.state().isFinished());
    }

    /// The steps of a new operation, which the test performs itself.
    SwitchoverOperation begin(Kind kind, SwitchStep.Trace trace) throws SQLException {
        OperationStore store = scene.running().operations();
        UUID id = UUID.randomUUID();
        store.begin(
                new Beginning(id, kind.id(), "running", "test", "", Optional.empty(), "[]"),
                "IN_SYNC");
        return scene.running().operation(store.find(id).orElseThrow(), trace);
    }

    Operation ask(Kind kind, SwitchoverRequest.Action action, Optional<String> key) {
        return scene.running()
                .move(
                        new SwitchoverRequest(
                                kind,
                                action,
                                Set.of(),
                                "a test",
                                Optional.of("tester"),
                                Optional.empty(),
                                key));
    }
}
