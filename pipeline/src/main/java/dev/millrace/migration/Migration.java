package dev.millrace.migration;

import dev.millrace.capture.SourceCapture;
import dev.millrace.change.TableId;
import dev.millrace.control.ControlSchema;
import dev.millrace.control.GenerationStore.Generation;
import dev.millrace.control.JournalStore;
import dev.millrace.control.OwnerStore;
import dev.millrace.kafka.Broker;
import dev.millrace.kafka.ChangeLog;
import dev.millrace.kafka.ChangeLog.LogFilter;
import dev.millrace.kafka.ChangeLog.LogTopic;
import dev.millrace.lag.PeriodicProbe;
import dev.millrace.migration.Conductor.Running;
import dev.millrace.postgres.Session;
import dev.millrace.spec.SpecResult;
import dev.millrace.stream.ReplicationStream;
import java.sql.SQLException;
import java.time.InstantSource;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.function.Consumer;

/// One migration that runs in this process: the owner's lock, the conductor of its stream, its
/// reconciliations and its status. Thread-safe.
public final class Migration implements MigrationControl, AutoCloseable {

    private final ReplicationStream stream;
    private final InstantSource clock;
    private final Broker broker;
    private final OwnerStore owner;
    private final PeriodicProbe ownerProbe;
    private final Reconciliations reconciliations;
    private final BackfillFlow flow;
    private final StatusBoard board;
    private final Conductor conductor;
    private final KnownTables tables;

    private Migration(
            ReplicationStream stream,
            SpecResult.Valid file,
            String who,
            InstantSource clock,
            Broker broker,
            OwnerStore owner)
            throws SQLException {
        this.stream = stream;
        this.clock = clock;
        this.broker = broker;
        this.owner = owner;
        this.tables = KnownTables.of(stream.tables().sourceIds(), stream.tables().targetIds());
        this.reconciliations = new Reconciliations(stream, file.hash(), clock, tables);
        this.flow = BackfillFlow.resume(stream, owner::isConfirmed, who, clock);
        this.board = new StatusBoard(stream, clock, estimates(stream), flow);
        GenerationStart generations = new GenerationStart(stream, file, broker);
        Generation generation = generations.resume();
        LaterAdditions additions =
                new LaterAdditions(file.spec(), stream.tables().mappings(), generations.columns());
        CurrentPhase phase =
                CurrentPhase.resume(
                        stream.name(), new JournalStore(stream.control(), stream.id(), who), clock);
        this.conductor =
                new Conductor(
                        new Conductor.Equipment(
                                stream, clock, broker, owner, generations, additions, flow, board),
                        generation,
                        phase,
                        reconciliations::begin);
        reconciliations.begin(generation.number());
        this.ownerProbe =
                PeriodicProbe.start(
                        "owner", OwnerStore.CHECK_INTERVAL, clock, owner::keep, () -> {});
    }

    /// Begins the migration, or continues it where it stopped.
    ///
    /// @param file the file from which the stream was built
    /// @param who the operator or the service, as the journal names it
    /// @throws RefusedException when the migration may not start or continue; nothing was changed
    /// @throws SQLException when a database does not answer
    public static Migration start(
            ReplicationStream stream, SpecResult.Valid file, String who, InstantSource clock)
            throws SQLException {
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
            return start(stream, file, who, clock, new Broker(stream.kafka()), owner);
        } catch (SQLException | RuntimeException e) {
            owner.close();
            throw e;
        }
    }

    private static Migration start(
            ReplicationStream stream,
            SpecResult.Valid file,
            String who,
            InstantSource clock,
            Broker broker,
            OwnerStore owner)
            throws SQLException {
        try {
            Migration migration = new Migration(stream, file, who, clock, broker, owner);
            migration.conductor.start();
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
        Running now = conductor.running();
        return board.report(conductor.phase(), now, conductor.parts(now), reconciliations.last());
    }

    @Override
    public boolean ready() {
        return conductor.parts(conductor.running()).stream().allMatch(StatusReport.Part::well);
    }

    @Override
    public BackfillChange.Outcome change(BackfillChange change) {
        return flow.change(change, conductor.phase().phase());
    }

    @Override
    public UUID reconcile(List<String> targets) {
        Running now = conductor.running();
        SourceCapture capture = now.stream().capture();
        Optional<String> refusal =
                ComparisonGate.refusal(
                        conductor.phase().phase(),
                        capture.state(),
                        now.stream().backfill(),
                        ComponentStates.part("capture", board.capture(now)));
        if (refusal.isPresent()) {
            throw new RefusedException(refusal.get());
        }
        return reconciliations.request(
                targets,
                new LiveReplicationProgress(
                        stream,
                        clock,
                        broker,
                        now.lag(),
                        capture,
                        now.stream().retention().holds(),
                        () -> blocked(now)));
    }

    private Optional<String> blocked(Running now) {
        return ComparisonGate.hopeless(
                conductor.phase().phase(),
                now.stream().capture().state(),
                ComponentStates.part("capture", board.capture(now)));
    }

    @Override
    public Optional<ReconciliationState> cancelReconciliation(UUID id) throws InterruptedException {
        return reconciliations.cancel(id);
    }

    @Override
    public Optional<ReconciliationState> reconciliation(UUID id) {
        return reconciliations.find(id);
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
                .entries(
                        read,
                        new LogFilter(table, key.map(LogFilter::key)),
                        new Limited(limit, line));
    }

    /// Stops in the order of the data: the capture confirms what is durable, apply finishes its
    /// batches, the sessions are closed.
    @Override
    public void close() {
        reconciliations.close();
        conductor.close();
        broker.close();
        try {
            ownerProbe.close();
        } finally {
            owner.close();
        }
    }
}
