package dev.millrace.migration;

import dev.millrace.control.JournalStore;
import dev.millrace.mapping.Mapping;
import dev.millrace.migration.MigrationControl.Asker;
import dev.millrace.postgres.Database.DatabaseFailure;
import dev.millrace.reads.StreamParity;
import dev.millrace.reconcile.ReconciliationReport;
import dev.millrace.reconcile.pass.Reconciler;
import dev.millrace.reconcile.report.PastVerdict;
import dev.millrace.replication.LiveStream;
import dev.millrace.replication.RefusedException;
import dev.millrace.spec.SpecResult;
import dev.millrace.stream.KnownTables;
import dev.millrace.stream.ReplicationStream;
import dev.millrace.verdict.ForeignWrites;
import dev.millrace.verdict.ReconciliationSchedule;
import dev.millrace.verdict.Reconciliations;
import dev.millrace.verdict.Reconciliations.Method;
import dev.millrace.verdict.Reconciliations.ReconciliationState;
import dev.millrace.verdict.Reconciliations.Unfinished;
import java.sql.SQLException;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.stream.Stream;

/// The reconciliations of both streams of a migration: those that an operator asks for, those of
/// the schedule, and the search for writes of others on the target. Decides which stream is
/// compared, and when. Thread-safe.
final class Comparisons implements AutoCloseable {

    private final ReplicationStream stream;
    private final Reconciliations forward;

    /// Of the stream from the target back to the source.
    private final Optional<Reconciliations> back;

    private final ReconciliationSchedule schedule;

    /// Empty if the file says that they are ignored.
    private final Optional<ForeignWrites> foreignWrites;

    private final KnownTables tables;
    private final String who;
    private final Situation situation;

    /// The rest of the migration at this moment. Asked only after [#start], or by a method here.
    interface Situation {

        Phase phase();

        /// Whether this process has the migration's lock.
        boolean isOwner();

        /// The forward stream.
        LiveStream live();

        /// The stream from the database that the application writes to.
        LiveStream compared();

        /// Why nothing is written to the target; empty while apply may write.
        Optional<String> held();

        StatusReport.Part capture(LiveStream now);

        /// Why the reverse stream has ended.
        Optional<String> wayBackEnded();
    }

    /// Starts nothing.
    ///
    /// @param who the journal names if a client gives no name
    Comparisons(
            Migration.Streams streams,
            SpecResult.Valid file,
            StreamParity parity,
            KnownTables tables,
            String who,
            Situation situation,
            InstantSource clock) {
        this.stream = streams.forward();
        this.tables = tables;
        this.who = who;
        this.situation = situation;
        this.forward =
                new Reconciliations(
                        stream,
                        mapping -> mapping.target().table(),
                        Reconciler.Subject.forward(stream.name(), file),
                        file.spec().reconcile().load(),
                        clock,
                        tables,
                        parity);
        this.back =
                streams.reverse()
                        .map(
                                each ->
                                        new Reconciliations(
                                                each,
                                                Mapping::source,
                                                Reconciler.Subject.back(each.name(), file),
                                                file.spec().reconcile().load(),
                                                clock,
                                                tables,
                                                new StreamParity(each, List.of(), false)));
        this.schedule = new ReconciliationSchedule(file.spec().reconcile(), this::inSync, clock);
        this.foreignWrites =
                file.spec().reconcile().watchesTarget()
                        ? Optional.of(
                                new ForeignWrites(
                                        file.spec().reconcile().load().share(),
                                        this::watched,
                                        clock))
                        : Optional.empty();
    }

    /// Begins what happens by itself.
    void start() {
        schedule.start();
        foreignWrites.ifPresent(ForeignWrites::start);
    }

    /// Those of the forward stream.
    Reconciliations forward() {
        return forward;
    }

    Optional<StatusReport.LastReconciliation> last() {
        return (isForward(situation.compared()) ? Optional.of(forward) : back)
                .flatMap(Reconciliations::last)
                .map(
                        last ->
                                new StatusReport.LastReconciliation(
                                        last.verdict(), last.finishedAt(), last.allTablesAt()));
    }

    /// @throws RefusedException if no reconciliation may begin now
    UUID reconcile(List<String> targets, Method method, Asker by) {
        LiveStream now = situation.compared();
        Optional<String> refusal = refusal(now);
        if (refusal.isPresent()) {
            throw new RefusedException(refusal.get());
        }
        targets.forEach(tables::requireTarget);
        note(
                "reconcile",
                (targets.isEmpty() ? "every table" : String.join(", ", targets))
                        + switch (method) {
                            case ALL_ROWS -> "";
                            case TOUCHED_KEYS -> ", touched keys";
                        },
                by);
        return sides(now).request(targets, method);
    }

    private void note(String event, String what, Asker by) {
        try {
            new JournalStore(stream.control(), stream.id(), by.who().orElse(who))
                    .event(situation.phase().name(), event, what, by.reason());
        } catch (SQLException e) {
            throw new DatabaseFailure("The journal cannot be written", e);
        }
    }

    /// Why no reconciliation may begin.
    Optional<String> refusal(LiveStream now) {
        return situation
                .held()
                .map(why -> "What the source has does not arrive on the target: " + why)
                .or(
                        () ->
                                ComparisonGate.refusal(
                                        situation.phase(),
                                        now.stream().capture().state(),
                                        now.stream().backfill(),
                                        situation.capture(now)));
    }

    /// Why one that runs cannot wait for the target any longer.
    Optional<String> blocked(LiveStream now) {
        return situation
                .held()
                .or(
                        () ->
                                ComparisonGate.hopeless(
                                        situation.phase(),
                                        now.stream().capture().state(),
                                        situation.capture(now)));
    }

    private ReconciliationSchedule.Sides sides(LiveStream now) {
        int generation = now.generation().number();
        return isForward(now)
                ? new ReconciliationSchedule.OfStream(
                        forward, generation, now.progress(() -> blocked(now)))
                : new ReconciliationSchedule.OfStream(
                        back.orElseThrow(), generation, now.progress(situation::wayBackEnded));
    }

    /// The target while only apply may write it.
    private Optional<ForeignWrites.Watched> watched() {
        LiveStream now = situation.live();
        return situation.phase() instanceof Phase.InSync && situation.isOwner()
                ? Optional.of(
                        new ForeignWrites.OfStream(
                                forward,
                                now.generation().number(),
                                stream.tables().compared(),
                                now.stream().applier().transactions(),
                                now.progress(() -> blocked(now))))
                : Optional.empty();
    }

    /// Until a later reconciliation finds all tables equal. What was found before it began is not
    /// shown again.
    Optional<ForeignWrites.Found> foundOnTarget() {
        return foreignWrites
                .flatMap(writes -> writes.found(forward.lastEqualBegan()))
                .filter(
                        _ ->
                                forward.lastReport()
                                        .filter(ReconciliationReport::hasDifferences)
                                        .isPresent());
    }

    /// What the schedule may compare now.
    private Optional<ReconciliationSchedule.Sides> inSync() {
        LiveStream now = situation.compared();
        boolean writesArrive =
                switch (situation.phase()) {
                    case Phase.InSync _ -> true;
                    case Phase.Reversible _ -> !isForward(now);
                    case Phase.Planned _,
                            Phase.Backfilling _,
                            Phase.CatchingUp _,
                            Phase.SwitchingOver _,
                            Phase.Unresolved _,
                            Phase.Failed _ ->
                            false;
                };
        return writesArrive && situation.isOwner() && refusal(now).isEmpty()
                ? Optional.of(sides(now))
                : Optional.empty();
    }

    private boolean isForward(LiveStream live) {
        return live.with().stream() == stream;
    }

    /// One that has ended stays as it is, and the journal says nothing about it.
    Optional<ReconciliationState> cancel(UUID id, Asker by) throws InterruptedException {
        if (find(id).filter(Comparisons::isUnfinished).isPresent()) {
            note("reconcile-cancel", id.toString(), by);
        }
        Optional<ReconciliationState> there = forward.cancel(id);
        return there.isPresent() || back.isEmpty() ? there : back.get().cancel(id);
    }

    private static boolean isUnfinished(ReconciliationState state) {
        return switch (state) {
            case ReconciliationState.Waiting _, ReconciliationState.Running _ -> true;
            case ReconciliationState.Finished _, ReconciliationState.Failed _ -> false;
        };
    }

    Optional<ReconciliationState> find(UUID id) {
        return forward.find(id).or(() -> back.flatMap(other -> other.find(id)));
    }

    List<Unfinished> unfinished() {
        return Stream.concat(
                        forward.unfinished().stream(),
                        back.stream().flatMap(other -> other.unfinished().stream()))
                .toList();
    }

    List<PastVerdict> history() {
        return isForward(situation.compared()) ? forward.history() : back.orElseThrow().history();
    }

    @Override
    public void close() {
        schedule.close();
        foreignWrites.ifPresent(ForeignWrites::close);
        forward.close();
        back.ifPresent(Reconciliations::close);
    }
}
