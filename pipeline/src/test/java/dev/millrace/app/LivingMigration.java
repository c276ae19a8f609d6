package dev.millrace.app;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.app.MigrationAssembly.Outcome;
import dev.millrace.ending.Ending;
import dev.millrace.ending.MigrationEnd.EndRequest;
import dev.millrace.ending.MigrationLife;
import dev.millrace.migration.StartOptions;
import dev.millrace.rebackfill.Rebackfill;
import dev.millrace.reconcile.ReconciliationReport.Verdict;
import dev.millrace.spec.MigrationSpec;
import dev.millrace.switchover.Gate;
import dev.millrace.switchover.Operation;
import dev.millrace.switchover.Operation.Kind;
import dev.millrace.switchover.Operation.State;
import dev.millrace.switchover.SwitchoverRequest;
import dev.millrace.testing.Waits;
import dev.millrace.verdict.Reconciliations.ReconciliationState;
import java.sql.SQLException;
import java.time.InstantSource;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import org.awaitility.Awaitility;

/// What an operator does with a migration, each step to its end.
record LivingMigration(MigrationLife migration) {

    /// Starts the migration of a file.
    static MigrationAssembly open(MigrationSpec spec) throws SQLException, InterruptedException {
        return switch (MigrationAssembly.open(
                spec, "hash", InstantSource.system(), "test", StartOptions.STANDARD)) {
            case Outcome.Started(MigrationAssembly assembly) -> assembly;
            case Outcome.Refused(var report) -> throw new AssertionError(report.findings());
        };
    }

    void awaitPhase(String phase) {
        Awaitility.await()
                .atMost(Waits.LIMIT)
                .untilAsserted(
                        () ->
                                assertThat(migration.status().phase())
                                        .as(() -> migration.status().toString())
                                        .isEqualTo(phase));
    }

    void requireEqual() {
        UUID id = migration.reconcile(List.of());
        ReconciliationState state =
                Awaitility.await()
                        .atMost(Waits.LIMIT)
                        .until(
                                () -> migration.reconciliation(id).orElseThrow(),
                                ReconciliationState.Finished.class::isInstance);
        assertThat(((ReconciliationState.Finished) state).report().verdict())
                .as(state.toString())
                .isEqualTo(Verdict.EQUAL);
    }

    /// Waits until every gate is open, and moves the traffic.
    void move(Kind kind) {
        Awaitility.await()
                .atMost(Waits.LIMIT)
                .untilAsserted(
                        () ->
                                assertThat(ask(kind, SwitchoverRequest.Action.DRY_RUN).gates())
                                        .allMatch(Gate::ok));
        UUID id = Objects.requireNonNull(ask(kind, SwitchoverRequest.Action.MOVE).id());
        Operation operation =
                Awaitility.await()
                        .atMost(Waits.LIMIT)
                        .until(
                                () -> migration.operation(id).orElseThrow(),
                                each -> each.state().isFinished());
        assertThat(operation.state()).as(operation.toString()).isEqualTo(State.DONE);
    }

    /// Reads every row again.
    void rebackfill() {
        UUID id =
                Objects.requireNonNull(
                        migration
                                .rebackfill(
                                        new Rebackfill.Request(
                                                Optional.empty(),
                                                "a test",
                                                Optional.of("tester"),
                                                Optional.empty(),
                                                Optional.empty(),
                                                false))
                                .id());
        Awaitility.await()
                .atMost(Waits.LIMIT)
                .untilAsserted(
                        () ->
                                assertThat(migration.rebackfill(id).orElseThrow().state())
                                        .isEqualTo(State.DONE));
    }

    /// Ends the migration after a switchover. The test itself uses the source, which closes gates.
    void complete(Set<String> forced) {
        end(Ending.Kind.COMPLETE, forced, "COMPLETED");
    }

    void abort() {
        end(Ending.Kind.ABORT, Set.of(), "ABORTED");
    }

    private void end(Ending.Kind kind, Set<String> forced, String phase) {
        UUID id =
                Objects.requireNonNull(
                        migration
                                .end(
                                        new EndRequest(
                                                kind,
                                                false,
                                                forced,
                                                "a test",
                                                Optional.of("tester"),
                                                Optional.empty(),
                                                Optional.empty(),
                                                Optional.empty()))
                                .id());
        awaitPhase(phase);
        assertThat(migration.ending(id).orElseThrow().toString()).contains("DONE");
    }

    private Operation ask(Kind kind, SwitchoverRequest.Action action) {
        return migration.move(
                new SwitchoverRequest(
                        kind,
                        action,
                        Set.of(),
                        "a test",
                        Optional.of("tester"),
                        Optional.empty(),
                        action == SwitchoverRequest.Action.MOVE
                                ? Optional.of(UUID.randomUUID().toString())
                                : Optional.empty()));
    }
}
