package dev.millrace.switchover;

import dev.millrace.change.WatermarkNumber;
import dev.millrace.fence.Lease;
import dev.millrace.fence.WriteFence;
import dev.millrace.fence.WriteFence.OpenWork;
import dev.millrace.postgres.Database.DatabaseFailure;
import dev.millrace.route.Routes;
import dev.millrace.route.TrafficRoute;
import dev.millrace.sequences.SequencePlan.Finding;
import dev.millrace.sequences.SequencePlan.Move;
import dev.millrace.sequences.TargetSequences;
import dev.millrace.switchover.Operation.Kind;
import dev.millrace.switchover.StepAction.StepOutcome;
import dev.millrace.switchover.StreamProgress.Attempt;
import dev.millrace.switchover.SwitchoverOperation.ReturnPath;
import java.sql.SQLException;
import java.time.Duration;
import java.time.InstantSource;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// The actions of the steps that move the application from one side to the other. Holds what one
/// step hands to a later one: the epoch of the lease and the last watermark. A new process does not
/// need them: before the lease is permanent it goes back, and afterwards no step uses them. Not
/// thread-safe; confined to the operation's thread.
final class TrafficSteps {

    private static final Logger LOG = LoggerFactory.getLogger(TrafficSteps.class);

    /// What the steps work with.
    ///
    /// @param external whether Millrace refuses no write on the side that the application leaves:
    ///   the operator's own means do, and the WAL must prove it
    /// @param from to which the application writes before
    /// @param to to which it writes afterwards
    /// @param removal the fence of the source, with a short limit
    /// @param stream from the one to the other
    record Equipment(
            Kind kind,
            boolean external,
            String migration,
            WriteFence from,
            WriteFence to,
            WriteFence removal,
            ReturnPath returnPath,
            Routes routes,
            StreamProgress stream,
            TargetSequences sequences,
            InstantSource clock) {}

    private final Equipment with;
    private long epoch;
    private @Nullable WatermarkNumber last;

    /// Changes that had arrived when the last watermark of [SwitchStep#APPLIED] was applied.
    private long changes;

    TrafficSteps(Equipment with) {
        this.with = with;
    }

    private interface Work {
        StepOutcome run(Attempt attempt) throws SQLException, InterruptedException;
    }

    private interface Undo {
        void run(Attempt attempt) throws SQLException, InterruptedException;
    }

    Map<SwitchStep, StepAction> actions() {
        Map<SwitchStep, StepAction> actions = new EnumMap<>(SwitchStep.class);
        for (SwitchStep step : SwitchStep.values()) {
            actions.put(step, action(step));
        }
        return actions;
    }

    private StepAction action(SwitchStep step) {
        return switch (step) {
            case ARM -> step(this::arm, _ -> disarm());
            case HOLD -> step(this::hold, _ -> requireReleased());
            // The lease is lifted before the steps are undone.
            case FENCE -> harmless(this::fence);
            case PROVE -> harmless(_ -> prove());
            case WATERMARK -> harmless(_ -> watermark());
            case APPLIED -> harmless(this::applied);
            case VERDICT -> harmless(this::verdict);
            // Sequences only advance, which harms neither side.
            case SEQUENCES -> harmless(_ -> sequences());
            case PERMANENT -> harmless(_ -> makePermanent());
            case OPEN -> harmless(_ -> open());
            case ROUTE -> harmless(this::route);
            case RELEASE -> harmless(_ -> release());
            case DISARM -> harmless(_ -> disarmed());
        };
    }

    private static StepAction harmless(Work work) {
        return step(work, _ -> {});
    }

    private static StepAction step(Work work, Undo undo) {
        return new StepAction() {
            @Override
            public StepOutcome perform(Attempt attempt) throws InterruptedException {
                try {
                    return work.run(attempt);
                } catch (SQLException e) {
                    throw new DatabaseFailure("A database does not answer as expected", e);
                }
            }

            @Override
            public void undo(Attempt attempt) throws InterruptedException {
                try {
                    undo.run(attempt);
                } catch (SQLException e) {
                    throw new DatabaseFailure("A database does not answer as expected", e);
                }
            }
        };
    }

    private static StepOutcome done(String note) {
        return new StepOutcome.Done(note);
    }

    private static StepOutcome failed(String reason) {
        return new StepOutcome.Failed(reason);
    }

    private StepOutcome arm(Attempt attempt) throws SQLException, InterruptedException {
        Optional<String> schema =
                switch (with.kind()) {
                    case SWITCHOVER -> with.returnPath().prepare();
                    case ROLLBACK -> Optional.empty();
                };
        if (schema.isPresent()) {
            return failed(schema.get());
        }
        if (problem(with.from().install()) instanceof String problem) {
            return failed(problem);
        }
        // Opens the lease's session, which the application would wait for in FENCE.
        with.from().read();
        if (!with.to().read().isClosed()) {
            return failed(
                    "The %s is not fenced, so the application could write there before it is routed."
                            .formatted(with.kind().to()));
        }
        Optional<String> notArmed =
                switch (with.kind()) {
                    case SWITCHOVER -> with.returnPath().arm(attempt);
                    case ROLLBACK -> Optional.empty();
                };
        if (notArmed.isEmpty()) {
            notArmed = notAdvanced();
        }
        return notArmed.or(() -> with.stream().prepareVerdict(attempt))
                .map(TrafficSteps::failed)
                .orElseGet(() -> done(""));
    }

    private void disarm() throws SQLException, InterruptedException {
        switch (with.kind()) {
            case SWITCHOVER -> {
                with.returnPath().disarm();
                removeTriggers();
            }
            // The way back of a rollback is the next switchover, which arms again.
            case ROLLBACK -> {}
        }
    }

    private StepOutcome disarmed() throws SQLException, InterruptedException {
        with.returnPath().disarm();
        removeTriggers();
        return done("");
    }

    /// Triggers of a table that others keep locked stay: they let every write pass while the lease
    /// is open, and the next switchover uses them.
    private void removeTriggers() throws SQLException, InterruptedException {
        if (problem(with.removal().remove()) instanceof String problem) {
            LOG.atWarn()
                    .addKeyValue("migration", with.migration())
                    .addKeyValue("reason", problem)
                    .log("Triggers of the fence stay on the source. They let every write pass.");
        }
    }

    private static @Nullable String problem(WriteFence.Outcome outcome) {
        return switch (outcome) {
            case WriteFence.Outcome.Done _ -> null;
            case WriteFence.Outcome.Refused(List<String> reasons) -> String.join(" ", reasons);
            case WriteFence.Outcome.Busy(String table, List<OpenWork> work) ->
                    "Table "
                            + table
                            + " is locked by "
                            + text(work)
                            + ". End these transactions, or wait for their end.";
        };
    }

    private static String text(List<OpenWork> work) {
        return work.isEmpty()
                ? "transactions that cannot be seen"
                : work.stream()
                        .map(
                                each ->
                                        each.pid().isPresent()
                                                ? "session %d of %s (%s)"
                                                        .formatted(
                                                                each.pid().getAsInt(),
                                                                each.role(),
                                                                each.state())
                                                : "prepared transaction " + each.name())
                        .collect(Collectors.joining(", "));
    }

    /// Half of the time is left for the steps under the fence.
    private StepOutcome hold(Attempt attempt) {
        return switch (with.routes().hold(attempt.left(with.clock()).dividedBy(2))) {
            case TrafficRoute.Hold.Held _ -> done("");
            case TrafficRoute.Hold.NotHeld(String reason, TrafficRoute.Release _) ->
                    failed("The clients could not be held: " + reason + ".");
        };
    }

    private void requireReleased() {
        if (release() instanceof StepOutcome.Failed(String reason)) {
            throw new StepAction.UndoFailed(reason);
        }
    }

    private StepOutcome release() {
        return switch (with.routes().release()) {
            case TrafficRoute.Release.Released _ -> done("");
            case TrafficRoute.Release.NotReleased(String reason, String remedy) ->
                    failed("The clients are not released: " + reason + ". " + remedy);
        };
    }

    private StepOutcome fence(Attempt attempt) throws SQLException, InterruptedException {
        switch (with.from().close(attempt.left(with.clock()))) {
            case Lease.Change.Taken(Lease.Leased(long taken, Duration _)) -> epoch = taken;
            case Lease.Change.Taken(Lease other) -> {
                return failed(
                        "The lease on the "
                                + with.kind().from()
                                + " "
                                + FenceLease.text(other)
                                + " after it was taken.");
            }
            case Lease.Change.NotTaken(Lease other) -> {
                return failed(
                        "The "
                                + with.kind().from()
                                + " is fenced already: its lease "
                                + FenceLease.text(other)
                                + ". Wait until it expires, or end the other controller.");
            }
            case Lease.Change.Unknown(String reason) -> {
                return failed("The " + with.kind().from() + " does not answer: " + reason + ".");
            }
        }
        return switch (with.from().awaitOlder(attempt.left(with.clock()).dividedBy(2))) {
            case WriteFence.Older.Settled _ -> done("");
            case WriteFence.Older.Blocked(List<OpenWork> work) ->
                    failed(
                            "Older transactions can still write to the "
                                    + with.kind().from()
                                    + ": "
                                    + text(work)
                                    + ". End them, then start the switchover again.");
            case WriteFence.Older.Refused(String reason) -> failed(reason);
        };
    }

    private StepOutcome prove() throws SQLException {
        WriteFence.Proof proof = with.from().prove();
        return proof.problems().isEmpty()
                ? done(
                        with.external()
                                ? "Millrace tried no write: the file says 'fence: external'."
                                : proof.text())
                : failed("The fence does not hold: " + String.join(" ", proof.problems()));
    }

    private StepOutcome watermark() {
        WatermarkNumber emitted = with.stream().emitWatermark();
        last = emitted;
        return done("Watermark " + emitted + ".");
    }

    private WatermarkNumber last() {
        if (last == null) {
            throw new IllegalStateException("No watermark was emitted.");
        }
        return last;
    }

    private StepOutcome applied(Attempt attempt) {
        Optional<String> late = awaitApplied(last(), attempt);
        changes = with.stream().changesOfOthers();
        return late.map(TrafficSteps::failed).orElseGet(() -> done(""));
    }

    private Optional<String> awaitApplied(WatermarkNumber watermark, Attempt attempt) {
        return with.stream()
                .awaitApplied(watermark, attempt)
                .map(why -> "The last changes were not applied in time: " + why + ".");
    }

    /// Why the operator's own means do not hold; empty if nothing was written since [#applied], or
    /// if triggers refuse every write.
    private Optional<String> writtenSince(Attempt attempt) {
        if (!with.external()) {
            return Optional.empty();
        }
        Optional<String> late = awaitApplied(with.stream().emitWatermark(), attempt);
        long since = with.stream().changesOfOthers() - changes;
        return late.isPresent() || since == 0
                ? late
                : Optional.of(
                        "%d changes were written to the %s meanwhile, and 'fence: external' refuses none. Stop the writes by your own means, then start the switchover again."
                                .formatted(since, with.kind().from()));
    }

    private StepOutcome verdict(Attempt attempt) {
        return switch (with.stream().prove(last(), attempt)) {
            case StreamProgress.Proof.Missing(String reason) ->
                    failed("Both sides are not proved equal: " + reason);
            case StreamProgress.Proof.Equal equal ->
                    writtenSince(attempt)
                            .map(TrafficSteps::failed)
                            .orElseGet(
                                    () -> {
                                        if (with.kind() == Kind.SWITCHOVER) {
                                            with.returnPath().proved(equal);
                                        }
                                        return done("");
                                    });
        };
    }

    private StepOutcome sequences() throws SQLException {
        return switch (with.sequences().advance(TargetSequences.MARGIN)) {
            case TargetSequences.Advance.Done(var moves) ->
                    done(
                            "Advanced %d of %d sequences."
                                    .formatted(
                                            moves.stream().filter(Move::changes).count(),
                                            moves.size()));
            case TargetSequences.Advance.Refused(var findings) -> failed(refused(findings));
        };
    }

    /// Before the pause, because the operator must change something.
    private Optional<String> notAdvanced() throws SQLException {
        List<Finding> blocking =
                with.sequences().plan(TargetSequences.MARGIN).findings().stream()
                        .filter(Finding::blocks)
                        .toList();
        return blocking.isEmpty() ? Optional.empty() : Optional.of(refused(blocking));
    }

    private String refused(List<Finding> findings) {
        return findings.stream()
                .map(
                        finding ->
                                "%s: %s. %s"
                                        .formatted(
                                                finding.object(),
                                                finding.message(),
                                                finding.remedy()))
                .collect(
                        Collectors.joining(
                                " ",
                                "A sequence of the " + with.kind().to() + " cannot be advanced. ",
                                ""));
    }

    private StepOutcome makePermanent() throws SQLException, InterruptedException {
        return switch (with.from().makePermanent(epoch)) {
            case Lease.Change.Taken _ -> done("");
            case Lease.Change.NotTaken(Lease lease) ->
                    failed(
                            "The lease on the %s %s."
                                    .formatted(with.kind().from(), FenceLease.text(lease)));
            case Lease.Change.Unknown(String reason) ->
                    failed("The " + with.kind().from() + " does not answer: " + reason + ".");
        };
    }

    private StepOutcome open() throws SQLException, InterruptedException {
        return switch (with.to().read()) {
            case Lease.Permanent(long closed) ->
                    switch (with.to().open(closed)) {
                        case Lease.Change.Taken _ -> done("");
                        case Lease.Change.NotTaken(Lease lease) ->
                                failed(
                                        "The lease on the %s %s."
                                                .formatted(
                                                        with.kind().to(), FenceLease.text(lease)));
                        case Lease.Change.Unknown(String reason) ->
                                failed(
                                        "The %s does not answer: %s."
                                                .formatted(with.kind().to(), reason));
                    };
            case Lease.Open _ -> done("The " + with.kind().to() + " was open already.");
            case Lease.Absent _, Lease.Expired _, Lease.Leased _ ->
                    failed(
                            "The %1$s cannot be opened: its lease is not permanent any more. Find out who changed millrace.lease on the %1$s."
                                    .formatted(with.kind().to()));
        };
    }

    private StepOutcome route(Attempt attempt) {
        String operation = attempt.operation().toString();
        TrafficRoute.Direction direction =
                with.kind() == Kind.SWITCHOVER
                        ? TrafficRoute.Direction.SWITCH
                        : TrafficRoute.Direction.ROLLBACK;
        return switch (with.routes()
                .route(new TrafficRoute.Attempt(with.migration(), operation, direction, operation))
                .outcome()) {
            case TrafficRoute.Outcome.Routed _ ->
                    done(
                            with.routes().names(direction).isEmpty()
                                    ? "The file declares no route: connect the application to the %s yourself."
                                            .formatted(with.kind().to())
                                    : "");
            case TrafficRoute.Outcome.NotRouted(String reason) ->
                    failed("The application was not routed: " + reason + ".");
            case TrafficRoute.Outcome.Unknown(String question) -> new StepOutcome.Unknown(question);
        };
    }
}
