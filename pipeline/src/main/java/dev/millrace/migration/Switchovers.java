package dev.millrace.migration;

import dev.millrace.control.JournalStore;
import dev.millrace.control.OperationStore.Beginning;
import dev.millrace.control.OperationStore.StoredOperation;
import dev.millrace.flow.FlowControl;
import dev.millrace.migration.MigrationControl.Resolution;
import dev.millrace.migration.facts.SwitchoverFacts;
import dev.millrace.postgres.Database.DatabaseFailure;
import dev.millrace.replication.LiveStream;
import dev.millrace.replication.RefusedException;
import dev.millrace.stream.ReplicationStream;
import dev.millrace.switchover.GateFacts;
import dev.millrace.switchover.GateFacts.Limits;
import dev.millrace.switchover.Operation;
import dev.millrace.switchover.Operation.Kind;
import dev.millrace.switchover.Operation.State;
import dev.millrace.switchover.StoredOperations;
import dev.millrace.switchover.Switchover;
import dev.millrace.switchover.SwitchoverRequest;
import java.sql.SQLException;
import java.time.InstantSource;
import java.util.Optional;
import java.util.UUID;

/// Answers what an operator asks about the moves of the traffic: judges the gates and begins,
/// cancels or resolves an operation. Thread-safe.
///
/// @param limits when the gates open
/// @param who wrote the journal if a request names nobody
record Switchovers(
        ReplicationStream stream,
        SwitchoverFacts facts,
        Limits limits,
        TrafficOperations operations,
        FlowControl flow,
        String who,
        InstantSource clock) {

    /// @throws RefusedException when a gate is closed, or when there is nothing to do
    Operation request(SwitchoverRequest request, Phase phase, LiveStream now) {
        Optional<Operation> repeated =
                request.requestKey().flatMap(operations::requested).map(operations::view);
        if (repeated.isPresent()) {
            return repeated.get();
        }
        RefusedException.ifWrongPhase(phase.name(), request.expectedPhase());
        return switch (request.action()) {
            case CANCEL -> cancel(request.kind());
            case DRY_RUN -> judge(request, phase, now).dryRun();
            case MOVE -> begin(request, judge(request, phase, now));
        };
    }

    private Switchover judge(SwitchoverRequest request, Phase phase, LiveStream now) {
        GateFacts read =
                switch (request.kind()) {
                    case SWITCHOVER -> facts.read(phase.name(), now);
                    case ROLLBACK -> facts.readForRollback(phase.name());
                };
        return Switchover.judge(request.kind(), read, limits, clock.instant());
    }

    private Operation begin(SwitchoverRequest request, Switchover switchover) {
        switchover
                .refusal(request.forced())
                .ifPresent(
                        reason -> {
                            throw new RefusedException(withoutPeriod(reason));
                        });
        Beginning beginning =
                new Beginning(
                        UUID.randomUUID(),
                        request.kind().id(),
                        State.RUNNING.id(),
                        request.who().orElse(who),
                        request.reason(),
                        request.requestKey(),
                        StoredOperations.gates(switchover.gates()));
        return StoredOperations.view(flow.whileApplying(() -> operations.begin(beginning)));
    }

    private Operation cancel(Kind kind) {
        if (!operations.cancel(kind)) {
            throw new RefusedException(
                    operations.runs(kind)
                            ? "It is too late to cancel: the fence is permanent, or will be in a moment. Run 'millrace status' to see the result"
                            : "No %s is running. Nothing was changed".formatted(kind.id()));
        }
        return latest().orElseThrow(
                        () -> new IllegalStateException("The journal has no operation."));
    }

    private Optional<Operation> latest() {
        return operations.latest().map(operations::view);
    }

    /// @throws RefusedException when no operation is unresolved
    Operation resolve(Resolution answer, Phase phase) {
        RefusedException.ifWrongPhase(phase.name(), answer.expectedPhase());
        if (answer.dryRun()) {
            return latest().filter(last -> last.state() == State.UNRESOLVED)
                    .orElseThrow(Switchovers::nothingToAnswer);
        }
        StoredOperation resolved =
                operations.resolve(answer.routed()).orElseThrow(Switchovers::nothingToAnswer);
        try {
            new JournalStore(stream.control(), stream.id(), answer.who().orElse(who))
                    .event(
                            "UNRESOLVED",
                            "resolve",
                            answer.routed() ? "routed" : "not routed",
                            answer.reason());
        } catch (SQLException e) {
            throw new DatabaseFailure("The answer could not be written to the journal", e);
        }
        return operations.view(resolved);
    }

    private static RefusedException nothingToAnswer() {
        return new RefusedException("No operation is unresolved. Nothing was changed");
    }

    /// The period is added where the refusal is shown.
    private static String withoutPeriod(String sentence) {
        return sentence.endsWith(".") ? sentence.substring(0, sentence.length() - 1) : sentence;
    }
}
