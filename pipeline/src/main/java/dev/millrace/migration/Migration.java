package dev.millrace.migration;

import dev.millrace.apply.gate.WriteGate;
import dev.millrace.backfill.pace.Pace;
import dev.millrace.capture.CaptureFailures.SnapshotFailures;
import dev.millrace.change.TableId;
import dev.millrace.control.ControlSchema;
import dev.millrace.control.GenerationStore.Generation;
import dev.millrace.control.JournalStore;
import dev.millrace.control.OperationStore;
import dev.millrace.control.OperationStore.StoredOperation;
import dev.millrace.control.OwnerStore;
import dev.millrace.control.RebackfillStore;
import dev.millrace.control.repair.RepairStore;
import dev.millrace.flow.FlowChange;
import dev.millrace.flow.FlowControl;
import dev.millrace.flow.StopConditions;
import dev.millrace.journal.JournalPage;
import dev.millrace.journal.JournalWatch;
import dev.millrace.kafka.Broker;
import dev.millrace.kafka.ChangeLog;
import dev.millrace.kafka.ChangeLog.LogFilter;
import dev.millrace.kafka.ChangeLog.LogTopic;
import dev.millrace.lag.PeriodicProbe;
import dev.millrace.lifecycle.ComponentState;
import dev.millrace.lifecycle.Reason;
import dev.millrace.migration.facts.SwitchoverFacts;
import dev.millrace.postgres.Database.DatabaseFailure;
import dev.millrace.postgres.ReplicationSlot;
import dev.millrace.postgres.Session;
import dev.millrace.preflight.Preflight;
import dev.millrace.reads.StreamParity;
import dev.millrace.rebackfill.Rebackfill;
import dev.millrace.rebackfill.Rebackfills;
import dev.millrace.reconcile.SensitiveColumns;
import dev.millrace.reconcile.ShownRows;
import dev.millrace.reconcile.ShownValues.HashKey;
import dev.millrace.reconcile.pass.Reconciler;
import dev.millrace.reconcile.report.PastVerdict;
import dev.millrace.rejected.RejectedKeys;
import dev.millrace.repair.Repairs;
import dev.millrace.replication.CertificateWatch;
import dev.millrace.replication.GenerationStart;
import dev.millrace.replication.GenerationStart.Rows;
import dev.millrace.replication.LaterAdditions;
import dev.millrace.replication.LiveStream;
import dev.millrace.replication.RefusedException;
import dev.millrace.replication.ReverseStream;
import dev.millrace.route.Routes;
import dev.millrace.spec.SpecResult;
import dev.millrace.spec.access.ApiForm.Tls;
import dev.millrace.stream.KnownTables;
import dev.millrace.stream.ReplicationStream;
import dev.millrace.switchover.GateFacts.Limits;
import dev.millrace.switchover.Operation;
import dev.millrace.switchover.SwitchStep;
import dev.millrace.switchover.SwitchoverOperation;
import dev.millrace.switchover.SwitchoverRequest;
import dev.millrace.switchover.TargetFencing;
import dev.millrace.verdict.Reconciliations;
import dev.millrace.verdict.Reconciliations.Method;
import dev.millrace.verdict.Reconciliations.ReconciliationState;
import dev.millrace.verdict.Reconciliations.Unfinished;
import java.sql.SQLException;
import java.time.InstantSource;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.function.Consumer;
import java.util.function.Function;

/// One migration that runs in this process: the owner's lock, the conductor of its stream, its
/// operations and its status. Thread-safe.
public final class Migration implements MigrationControl, AutoCloseable {

    private final ReplicationStream stream;
    private final InstantSource clock;
    private final Broker broker;
    private final OwnerStore owner;
    private final PeriodicProbe ownerProbe;
    private final JournalWatch journal;
    private final CertificateWatch certificates;
    private final PeriodicProbe journalProbe;
    private final PeriodicProbe certificatesProbe;
    private final Comparisons comparisons;
    private final FlowControl flow;
    private final StopConditions conditions;
    private final StatusBoard board;
    private final Conductor conductor;
    private final Rebackfills rebackfills;
    private final Repairs repairs;
    private final KnownTables tables;
    private final Optional<ReverseStream> reverse;
    private final TrafficOperations operations;
    private final Switchovers switchovers;
    private final MoveFactory moves;
    private final String who;
    private final Function<ReplicationStream, ShownRows> shown;

    /// Both directions of one migration.
    ///
    /// @param reverse from the target back to the source; empty if the target's changes cannot be
    ///   carried back
    public record Streams(ReplicationStream forward, Optional<ReplicationStream> reverse) {}

    private Migration(
            Streams streams,
            SpecResult.Valid file,
            String who,
            InstantSource clock,
            StartOptions options,
            Broker broker,
            OwnerStore owner)
            throws SQLException {
        this.stream = streams.forward();
        this.who = who;
        HashKey hashes = new HashKey();
        this.shown =
                each ->
                        new ShownRows(
                                each.tables().mappings(),
                                SensitiveColumns.of(
                                        each.direction(), file.spec().sensitive().tables()),
                                hashes);
        this.clock = clock;
        this.broker = broker;
        this.owner = owner;
        this.tables = KnownTables.of(stream.tables().sourceIds(), stream.tables().targetIds());
        StreamParity parity =
                new StreamParity(
                        stream, file.spec().queries(), !file.spec().sensitive().tables().isEmpty());
        this.comparisons = new Comparisons(streams, file, parity, tables, who, new Here(), clock);
        Reconciliations reconciliations = comparisons.forward();
        this.reverse =
                streams.reverse()
                        .map(
                                back ->
                                        new ReverseStream(
                                                new LiveStream.Equipment(
                                                        back,
                                                        broker,
                                                        owner::isConfirmed,
                                                        new SnapshotFailures(),
                                                        new Pace(clock),
                                                        new WriteGate(
                                                                () ->
                                                                        back.target()
                                                                                .database()
                                                                                .connect("pause"),
                                                                clock),
                                                        clock),
                                                file,
                                                this::live));
        this.flow = FlowControl.resume(stream, owner::isConfirmed, who, clock);
        GenerationStart generations = new GenerationStart(stream, file, broker);
        if (options.paused() && !generations.hasBegun()) {
            flow.pauseAll("started with --paused", new Phase.Planned().name());
        }
        Routes routes = routes(file);
        this.moves =
                new MoveFactory(
                        stream,
                        file,
                        this::live,
                        this::blocked,
                        reverse,
                        reconciliations,
                        routes,
                        clock);
        this.operations =
                TrafficOperations.of(
                        stream.name(),
                        operations(),
                        reverse,
                        operation -> operation(operation, SwitchStep.Trace.NONE));
        this.switchovers =
                new Switchovers(
                        stream,
                        new SwitchoverFacts(
                                stream,
                                file.hash(),
                                reconciliations,
                                parity,
                                () ->
                                        new Preflight(stream.source(), stream.target())
                                                .run(file.spec()),
                                routes,
                                reverse,
                                flow,
                                file.spec(),
                                clock),
                        new Limits(
                                file.spec().switchover().verdictMaxAge(),
                                file.spec().switchover().lagBelow()),
                        operations,
                        flow,
                        who,
                        clock);
        Optional<Generation> withoutLog =
                switch (options.lostLog()) {
                    case REFUSED -> Optional.empty();
                    case READ_AGAIN -> generations.withLostLog();
                };
        Generation found = withoutLog.isPresent() ? withoutLog.get() : generations.resume();
        LaterAdditions additions =
                new LaterAdditions(file.spec(), stream.tables().mappings(), generations.columns());
        CurrentPhase phase =
                CurrentPhase.resume(
                        stream.name(), new JournalStore(stream.control(), stream.id(), who), clock);
        this.rebackfills =
                Rebackfills.resume(
                        new Rebackfills.Equipment(
                                stream,
                                new RebackfillStore(stream.control(), stream.id(), owner.epoch()),
                                () -> phaseOf(phase),
                                owner::isConfirmed,
                                who,
                                clock));
        this.repairs =
                Repairs.resume(
                        new Repairs.Equipment(
                                stream,
                                new RepairStore(stream.control(), stream.id(), owner.epoch()),
                                tables,
                                Reconciler.Subject.forward(stream.name(), file),
                                () -> phaseOf(phase),
                                rebackfills::isRunning,
                                () -> comparisons.refusal(live()),
                                comparisons::blocked,
                                reconciliations.comparing(),
                                owner::isConfirmed,
                                who,
                                clock));
        Generation generation = found;
        if (withoutLog.isPresent()) {
            rebackfills.beginWithoutLog(found.number());
            generation = generations.next(found, Rows.KEPT);
            phase.show(new Phase.Backfilling());
        }
        // A row that the application wrote to the target before a window carries no mark: the
        // window could overwrite it with an older one.
        flow.pace()
                .suspendWhile(
                        () ->
                                isOnTarget()
                                        || rebackfills.holdsReading()
                                        || flow.gate().isSourceClosed());
        this.journal = new JournalWatch(stream.control(), stream.id());
        this.certificates =
                new CertificateWatch(
                        stream.source().database(),
                        stream.target().database(),
                        stream.kafka(),
                        file.tls().map(Tls::certificate));
        this.board =
                new StatusBoard(
                        stream,
                        clock,
                        estimates(stream),
                        flow,
                        reverse,
                        rebackfills,
                        repairs,
                        journal,
                        certificates);
        this.conductor =
                new Conductor(
                        new Conductor.Equipment(
                                stream,
                                clock,
                                broker,
                                owner,
                                generations,
                                additions,
                                flow,
                                board,
                                operations::traffic,
                                rebackfills,
                                repairs),
                        generation,
                        phase,
                        reconciliations::begin);
        this.conditions =
                StopConditions.start(
                        stream,
                        file.spec().flow(),
                        flow,
                        new Exits(),
                        () -> phaseOf(phase),
                        owner::isConfirmed,
                        clock);
        reconciliations.begin(generation.number());
        this.ownerProbe =
                PeriodicProbe.start(
                        "owner", OwnerStore.CHECK_INTERVAL, clock, owner::keep, () -> {});
        this.journalProbe =
                PeriodicProbe.start(
                        "journal", JournalWatch.INTERVAL, clock, journal::read, () -> {});
        this.certificatesProbe =
                PeriodicProbe.start(
                        "certificates",
                        CertificateWatch.INTERVAL,
                        clock,
                        certificates::read,
                        () -> {});
    }

    /// Before the first row is written.
    private void fenceTarget() {
        if (!isOnSource()) {
            return;
        }
        try {
            new TargetFencing(stream).close();
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
    }

    private Routes routes(SpecResult.Valid file) {
        return Routes.of(
                stream.name(),
                file.spec().switchover(),
                side ->
                        switch (side) {
                            case SOURCE -> stream.source().database();
                            case TARGET -> stream.target().database();
                        },
                file.spec().dataDir().resolve(stream.name()).resolve("routes"));
    }

    /// The conductor shows a move of the traffic a moment later.
    private String phaseOf(CurrentPhase phase) {
        return phaseOf(phase.phase());
    }

    private String phaseOf(Phase phase) {
        return switch (operations.traffic()) {
            case ON_SOURCE -> phase.name();
            case MOVING -> "SWITCHING_OVER";
            case ON_TARGET -> "REVERSIBLE";
            case UNRESOLVED -> "UNRESOLVED";
        };
    }

    private boolean isOnSource() {
        return operations.traffic() == Phase.Traffic.ON_SOURCE;
    }

    private boolean isOnTarget() {
        return switch (operations.traffic()) {
            case ON_TARGET, UNRESOLVED -> true;
            case ON_SOURCE, MOVING -> false;
        };
    }

    private LiveStream live() {
        return conductor.running();
    }

    private Optional<String> blocked() {
        return comparisons.blocked(conductor.running());
    }

    /// Begins the migration, or continues it where it stopped.
    ///
    /// @param file the file from which the streams were built
    /// @param who the operator or the service, as the journal names it
    /// @throws RefusedException when the migration may not start or continue; nothing was changed
    /// @throws SQLException when a database does not answer
    public static Migration start(
            Streams streams,
            SpecResult.Valid file,
            String who,
            InstantSource clock,
            StartOptions options)
            throws SQLException {
        ReplicationStream stream = streams.forward();
        OwnerStore owner =
                switch (OwnerStore.take(stream.control(), stream.id(), who, clock)) {
                    case OwnerStore.Claim.Granted(OwnerStore granted) -> granted;
                    case OwnerStore.Claim.Refused(String reason) ->
                            throw new RefusedException(reason);
                };
        try {
            if (ControlSchema.migrate(() -> stream.control().connect("control"))
                    instanceof ControlSchema.Outcome.Refused(String reason)) {
                throw new RefusedException(reason);
            }
            owner.begin();
            return start(streams, file, who, clock, options, new Broker(stream.kafka()), owner);
        } catch (SQLException | RuntimeException e) {
            owner.close();
            throw e;
        }
    }

    private static Migration start(
            Streams streams,
            SpecResult.Valid file,
            String who,
            InstantSource clock,
            StartOptions options,
            Broker broker,
            OwnerStore owner)
            throws SQLException {
        try {
            Migration migration = new Migration(streams, file, who, clock, options, broker, owner);
            migration.fenceTarget();
            migration.conductor.start();
            migration.operations.resume();
            migration.comparisons.start();
            return migration;
        } catch (SQLException | RuntimeException e) {
            broker.close();
            throw e;
        }
    }

    private static Map<TableId, Long> estimates(ReplicationStream stream) {
        Map<TableId, Long> estimates = new HashMap<>();
        try (Session session = stream.source().database().session()) {
            session.sourceCatalog()
                    .facts(stream.tables().sourceIds())
                    .forEach(
                            (table, facts) ->
                                    facts.estimatedRows()
                                            .ifPresent(rows -> estimates.put(table, rows)));
        }
        return estimates;
    }

    @Override
    public StatusReport status() {
        LiveStream now = conductor.running();
        return board.report(
                conductor.phase(),
                now,
                conductor.parts(now),
                comparisons.last(),
                comparisons.foundOnTarget(),
                operations.progress(),
                operations.switched(),
                conditions.reports(),
                conditions.wal());
    }

    @Override
    public JournalPage journal(long after, int limit) {
        return journal.after(after, limit);
    }

    @Override
    public boolean ready() {
        return conductor.parts(conductor.running()).stream().allMatch(StatusReport.Part::well);
    }

    @Override
    public FlowChange.Outcome change(FlowChange change) {
        return flow.change(change, () -> phaseOf(conductor.phase().phase()));
    }

    @Override
    public Rebackfill rebackfill(Rebackfill.Request request) {
        request.table().ifPresent(tables::requireTarget);
        return rebackfills.request(request);
    }

    @Override
    public Optional<Rebackfill> rebackfill(UUID id) {
        return rebackfills.find(id);
    }

    @Override
    public Repairs repairs() {
        return repairs;
    }

    @Override
    public RejectedKeys rejected() {
        LiveStream from = compared();
        return new RejectedKeys(
                from, shown.apply(from.with().stream()), conductor.phase().phase().name(), who);
    }

    @Override
    public UUID reconcile(List<String> targets, Method method, Asker by) {
        return comparisons.reconcile(targets, method, by);
    }

    /// What stop conditions do to the whole migration.
    private final class Exits implements StopConditions.Actions {

        @Override
        public Optional<String> rollBack(String reason) {
            try {
                move(
                        new SwitchoverRequest(
                                Operation.Kind.ROLLBACK,
                                SwitchoverRequest.Action.MOVE,
                                Set.of(),
                                reason,
                                Optional.empty(),
                                Optional.of("REVERSIBLE"),
                                Optional.empty()));
                return Optional.empty();
            } catch (RefusedException e) {
                return Optional.of(String.valueOf(e.getMessage()));
            } catch (DatabaseFailure e) {
                return Optional.of(Reason.of(e).orElse("a database did not answer"));
            }
        }

        @Override
        public boolean mayDropSlot() {
            return owner.ownership() instanceof OwnerStore.Ownership.Held;
        }

        @Override
        public void dropSlot() throws SQLException {
            ReplicationSlot.dropActive(stream.source().database(), stream.slot());
        }
    }

    /// What comparisons have to know about the rest of the migration.
    private final class Here implements Comparisons.Situation {

        @Override
        public Phase phase() {
            return conductor.phase().phase();
        }

        @Override
        public boolean isOwner() {
            return owner.isConfirmed();
        }

        @Override
        public LiveStream live() {
            return Migration.this.live();
        }

        @Override
        public LiveStream compared() {
            return Migration.this.compared();
        }

        @Override
        public Optional<String> held() {
            return flow.holdsApply();
        }

        @Override
        public StatusReport.Part capture(LiveStream now) {
            return ComponentStates.part("capture", board.capture(now));
        }

        @Override
        public Optional<String> wayBackEnded() {
            return reverse.flatMap(ReverseStream::ended);
        }
    }

    /// The stream from the database that the application writes to.
    private LiveStream compared() {
        return conductor.phase().phase() instanceof Phase.Reversible
                ? reverse.flatMap(ReverseStream::running).orElseGet(this::live)
                : live();
    }

    /// Refuses every further move of the traffic, so that the migration can end.
    ///
    /// @return where the application writes from now on
    /// @throws RefusedException if this process may not decide about the migration now
    public Phase.Traffic holdTraffic() {
        if (!owner.isConfirmed()) {
            throw new RefusedException(
                    "The target does not confirm that this process runs the migration. Check"
                            + " 'millrace status', then try again");
        }
        return operations.hold();
    }

    /// Takes [#holdTraffic] back.
    public void releaseTraffic() {
        operations.release();
    }

    public Phase.Traffic traffic() {
        return operations.traffic();
    }

    /// The stream that carries the target's changes back; empty if there is none.
    public Optional<ReverseStream> wayBack() {
        return reverse;
    }

    /// Whether the changes of the source arrive now.
    public boolean capturesSource() {
        return conductor.running().stream()
                .capture()
                .state()
                .isRunning(ComponentState.Activity.STREAMING);
    }

    /// Counts the processes that ran the migration.
    public long epoch() {
        return owner.epoch();
    }

    /// The steps of an operation of this migration.
    SwitchoverOperation operation(StoredOperation operation, SwitchStep.Trace trace) {
        return moves.operation(operations(), operation, trace);
    }

    /// The journal of the operations, as this process may write it.
    OperationStore operations() {
        return new OperationStore(stream.control(), stream.id(), owner.epoch());
    }

    @Override
    public Operation move(SwitchoverRequest request) {
        // A dry run begins nothing, so it waits for no other judgement.
        if (request.action() == SwitchoverRequest.Action.DRY_RUN) {
            return ask(request);
        }
        // Neither begins while the other is judged or runs.
        synchronized (rebackfills) {
            synchronized (repairs) {
                return ask(request);
            }
        }
    }

    private Operation ask(SwitchoverRequest request) {
        // On the target, a loss of the source waits for a rollback and must not forbid it.
        boolean reads = isOnSource() && (rebackfills.isRunning() || repairs.isRunning());
        Phase phase = reads ? new Phase.CatchingUp() : conductor.phase().phase();
        return switchovers.request(request, phase, conductor.running());
    }

    @Override
    public Operation resolve(Resolution answer) {
        return switchovers.resolve(answer, conductor.phase().phase());
    }

    @Override
    public Optional<Operation> operation(UUID id) {
        return operations.find(id).map(operations::view);
    }

    @Override
    public Optional<ReconciliationState> cancelReconciliation(UUID id, Asker by)
            throws InterruptedException {
        return comparisons.cancel(id, by);
    }

    @Override
    public Optional<ReconciliationState> reconciliation(UUID id) {
        return comparisons.find(id);
    }

    @Override
    public List<Unfinished> unfinishedReconciliations() {
        return comparisons.unfinished();
    }

    @Override
    public List<PastVerdict> reconciliations() {
        return comparisons.history();
    }

    @Override
    public void log(
            String topic,
            Optional<String> table,
            Optional<String> key,
            int limit,
            Consumer<String> line) {
        LogTopic read = LogTopic.valueOf(topic.toUpperCase(Locale.ROOT));
        switch (read) {
            case CHANGES -> table.ifPresent(tables::requireSource);
            case TARGET -> table.ifPresent(tables::requireTarget);
        }
        new ChangeLog(stream.kafka(), stream.topics())
                .lines(
                        read,
                        new LogFilter(table, key.map(LogFilter::key)),
                        limit,
                        shown.apply(stream)::entry,
                        line);
    }

    /// Stops in the order of the data: the capture confirms what is durable, apply finishes its
    /// batches, the sessions are closed.
    @Override
    public void close() {
        operations.close();
        conditions.close();
        comparisons.close();
        reverse.ifPresent(ReverseStream::close);
        conductor.close();
        journalProbe.close();
        certificatesProbe.close();
        broker.close();
        try {
            ownerProbe.close();
        } finally {
            owner.close();
        }
    }
}
