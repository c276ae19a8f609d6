package dev.millrace.migration;

import dev.millrace.apply.ApplierState;
import dev.millrace.capture.CaptureFailures.SnapshotFailures;
import dev.millrace.capture.CaptureState;
import dev.millrace.capture.SourceCapture;
import dev.millrace.capture.position.SourcePosition;
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
import dev.millrace.mappings.RowApplication;
import dev.millrace.migration.MigrationControl.ReconciliationState;
import dev.millrace.postgres.Session;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// One migration, conducted: the only owner of its phase. A step forward is taken when the journal
/// holds it; a step back is taken at once and journaled as soon as the target answers, so that the
/// status is never better than the truth. [#start] comes first; the rest may be called from any
/// thread.
public final class Migration implements MigrationControl, AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(Migration.class);
    private static final Duration TICK = Duration.ofMillis(250);
    private static final Duration PAUSE = Duration.ofSeconds(2);
    private static final Duration STOP_TIMEOUT = Duration.ofSeconds(60);

    private final MigrationSetup setup;
    private final Broker broker;
    private final GenerationStart generations;
    private final LaterAdditions additions;
    private final JournalStore journal;
    private final Reconciliations reconciliations;
    private final StatusBoard board;
    private final OwnerStore owner;
    private final PeriodicProbe ownerProbe;
    private final SnapshotFailures snapshots = new SnapshotFailures();
    private final CountDownLatch stop = new CountDownLatch(1);
    private final Thread conductor;
    private volatile Running running;
    private volatile CurrentPhase phase;
    private final Hindrance hindrance;
    private volatile StatusReport.@Nullable Part suspended;
    private boolean journaled = true;
    private boolean nextRefused;

    private record CurrentPhase(Phase phase, Instant since) {}

    /// What runs for one generation.
    private record Running(Generation generation, Parts parts, LagMonitor watches) {}

    private Migration(
            MigrationSetup setup, Broker broker, OwnerStore owner, PeriodicProbe ownerProbe)
            throws SQLException {
        this.setup = setup;
        this.broker = broker;
        this.owner = owner;
        this.ownerProbe = ownerProbe;
        this.hindrance = new Hindrance(setup.migration(), setup.clock());
        this.generations = new GenerationStart(setup, broker);
        this.journal = new JournalStore(setup.target(), setup.migration(), setup.who());
        this.reconciliations = new Reconciliations(setup);
        this.board = new StatusBoard(setup, estimates(setup));
        Generation generation = generations.takeUp();
        this.additions = new LaterAdditions(setup.spec(), setup.mappings(), generations.columns());
        this.phase = firstPhase();
        this.running = begin(generation);
        reconciliations.begin(generation.number());
        this.conductor =
                Thread.ofPlatform().name("conductor-" + setup.migration()).unstarted(this::conduct);
    }

    /// Takes up the migration where it was, or begins it.
    ///
    /// @throws RefusedException when it may not go on
    /// @throws SQLException when a database doesn't answer
    public static Migration start(MigrationSetup setup) throws SQLException {
        OwnerStore owner = takeOwnership(setup);
        PeriodicProbe ownerProbe =
                PeriodicProbe.start(
                        "owner", OwnerStore.CHECK_INTERVAL, setup.clock(), owner::keep, () -> {});
        try {
            if (ControlSchema.migrate(() -> setup.target().connect("control"))
                    instanceof ControlSchema.Outcome.Refused(String reason)) {
                throw new RefusedException(reason);
            }
            owner.begin();
            return start(setup, new Broker(setup.kafka()), owner, ownerProbe);
        } catch (SQLException | RuntimeException e) {
            closeOwner(owner, ownerProbe);
            throw e;
        }
    }

    /// @throws RefusedException when another process runs the migration
    private static OwnerStore takeOwnership(MigrationSetup setup) throws SQLException {
        return switch (OwnerStore.take(
                setup.target(), setup.migration(), setup.who(), setup.clock())) {
            case OwnerStore.Claim.Granted(OwnerStore granted) -> granted;
            case OwnerStore.Claim.Refused(String reason) -> throw new RefusedException(reason);
        };
    }

    private static void closeOwner(OwnerStore owner, PeriodicProbe ownerProbe) {
        try {
            ownerProbe.close();
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
        owner.close();
    }

    private static Migration start(
            MigrationSetup setup, Broker broker, OwnerStore owner, PeriodicProbe ownerProbe)
            throws SQLException {
        try {
            Migration migration = new Migration(setup, broker, owner, ownerProbe);
            migration.conductor.start();
            return migration;
        } catch (SQLException | RuntimeException e) {
            broker.close();
            throw e;
        }
    }

    private static Map<TableId, Long> estimates(MigrationSetup setup) {
        Map<TableId, Long> estimates = new HashMap<>();
        try (Session session = setup.source().session()) {
            session.sourceCatalog()
                    .facts(setup.captured().stream().map(table -> table.relation().id()).toList())
                    .forEach(
                            (table, facts) ->
                                    facts.estimatedRows()
                                            .ifPresent(rows -> estimates.put(table, rows)));
        }
        return Map.copyOf(estimates);
    }

    private CurrentPhase firstPhase() throws SQLException {
        Optional<JournalStore.Entry> latest = journal.latest();
        if (latest.isEmpty()) {
            journalPhase(new Phase.Planned());
            return new CurrentPhase(new Phase.Planned(), setup.clock().instant());
        }
        Phase last = phase(latest.get());
        journal.event(last.name(), "start", "the service takes it up again");
        Phase resumed = last.takenUp();
        if (resumed.equals(last)) {
            return new CurrentPhase(last, latest.get().since());
        }
        journalPhase(resumed);
        return new CurrentPhase(resumed, setup.clock().instant());
    }

    private static Phase phase(JournalStore.Entry entry) {
        return Phase.of(
                entry.phase(),
                entry.failure().map(JournalStore.Failure::cause).orElse(""),
                entry.failure().map(JournalStore.Failure::from).orElse(""));
    }

    private void journalPhase(Phase entered) throws SQLException {
        if (entered instanceof Phase.Failed(String cause, Phase from)) {
            journal.enterFailed(entered.name(), new JournalStore.Failure(cause, from.name()));
        } else {
            journal.enter(entered.name());
        }
    }

    private Running begin(Generation generation) {
        return new Running(
                generation,
                Parts.start(setup, generation, snapshots, owner::isConfirmed),
                new LagMonitor(setup, generation.number(), broker, additions));
    }

    private void conduct() {
        try {
            while (!stop.await(TICK.toMillis(), TimeUnit.MILLISECONDS)) {
                try {
                    tick();
                    hindrance.passed();
                } catch (SQLException | RuntimeException | Error e) {
                    hinder(e);
                    if (stop.await(PAUSE.toMillis(), TimeUnit.MILLISECONDS)) {
                        return;
                    }
                }
            }
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
    }

    private void hinder(Throwable thrown) {
        hindrance
                .by(thrown)
                .ifPresent(
                        reason -> {
                            nextRefused = true;
                            become(phase.phase().fail(reason));
                            journaled = false;
                        });
    }

    private void tick() throws SQLException, InterruptedException {
        if (!mayRun()) {
            return;
        }
        if (!nextRefused
                && running.parts().capture().state() instanceof CaptureState.SnapshotInterrupted) {
            beginNextGeneration();
        }
        Phase now = phase.phase();
        Phase next = PhaseRule.next(now, facts());
        boolean forward = next instanceof Phase.InSync || now instanceof Phase.Planned;
        if (!next.equals(now) && !forward) {
            become(next);
            journaled = false;
        }
        if (!journaled || !next.equals(now)) {
            journalPhase(next);
            journaled = true;
            if (!phase.phase().equals(next)) {
                become(next);
            }
        }
    }

    /// Stops the components when another process has the migration, and starts them again when this
    /// one is alone again. What the journal says is the other's affair then.
    private boolean mayRun() throws InterruptedException {
        switch (owner.ownership()) {
            case OwnerStore.Ownership.Held _ -> {
                if (suspended != null) {
                    running = begin(running.generation());
                    suspended = null;
                }
            }
            case OwnerStore.Ownership.Taken(String reason, Instant since) -> suspend(reason, since);
            case OwnerStore.Ownership.Superseded(String reason) -> {
                suspend(reason, setup.clock().instant());
                if (!(phase.phase() instanceof Phase.Failed)) {
                    become(phase.phase().fail(reason));
                }
            }
        }
        return suspended == null;
    }

    private void suspend(String reason, Instant since) throws InterruptedException {
        if (suspended != null) {
            return;
        }
        LOG.atError()
                .addKeyValue("migration", setup.migration())
                .addKeyValue("reason", reason)
                .log("the lock of the migration is lost: its components are stopped");
        suspended = new StatusReport.Part("owner", reason, false, since);
        if (phase.phase() instanceof Phase.InSync inSync) {
            become(inSync.fellBehind());
            journaled = false;
        }
        running.watches().close();
        running.parts().close();
    }

    private void become(Phase next) {
        phase = new CurrentPhase(next, setup.clock().instant());
        LOG.atInfo()
                .addKeyValue("migration", setup.migration())
                .addKeyValue("phase", next.name())
                .log("phase");
    }

    private void beginNextGeneration() throws SQLException, InterruptedException {
        Running old = running;
        old.parts().close();
        old.watches().close();
        LOG.atWarn()
                .addKeyValue("migration", setup.migration())
                .addKeyValue("generation", old.generation().number())
                .log(
                        "the snapshot was interrupted: topics and target tables are emptied, a new generation begins");
        try {
            running = begin(generations.next(old.generation()));
            if (phase.phase() instanceof Phase.Failed failed) {
                // What failed was a reader of the generation that is no more.
                become(failed.resume());
                journaled = false;
            }
            reconciliations.begin(running.generation().number());
        } catch (RefusedException e) {
            nextRefused = true;
            become(phase.phase().fail(String.valueOf(e.getMessage())));
            journaled = false;
        }
    }

    private PhaseRule.Facts facts() {
        Running now = running;
        SourcePosition position = now.parts().capture().position();
        boolean partsWell = parts(now).stream().allMatch(StatusReport.Part::well);
        return new PhaseRule.Facts(
                position != null && position.streaming(),
                now.watches().freshness().age(setup.clock().instant()),
                partsWell && now.watches().stopped().isEmpty(),
                lost(now.parts()));
    }

    private static Optional<String> lost(Parts parts) {
        return switch (parts.capture().state()) {
            case CaptureState.SourceLost(String reason, Instant _) ->
                    Optional.of("re-backfill required: " + reason);
            case CaptureState.Failed(String reason, Instant _) -> Optional.of(reason);
            case CaptureState.Starting _,
                    CaptureState.Snapshotting _,
                    CaptureState.Streaming _,
                    CaptureState.Waiting _,
                    CaptureState.SnapshotInterrupted _,
                    CaptureState.Stopped _ ->
                    lostBehind(parts);
        };
    }

    private static Optional<String> lostBehind(Parts parts) {
        if (parts.applier().state() instanceof ApplierState.Failed(String reason)) {
            return Optional.of(reason);
        }
        return parts.mappings().state() instanceof RowApplication.State.Failed(String reason, var _)
                ? Optional.of(reason)
                : Optional.empty();
    }

    @Override
    public StatusReport status() {
        Running now = running;
        CurrentPhase entry = phase;
        return board.report(
                entry.phase(),
                entry.since(),
                now.generation().number(),
                parts(now),
                now.parts(),
                now.watches(),
                reconciliations.last());
    }

    @Override
    public boolean ready() {
        return parts(running).stream().allMatch(StatusReport.Part::well);
    }

    private List<StatusReport.Part> parts(Running now) {
        return board.parts(
                now.parts(),
                now.watches(),
                Stream.concat(hindrance.part().stream(), Stream.ofNullable(suspended)).toList());
    }

    @Override
    public UUID reconcile(List<String> targets) {
        Running now = running;
        SourceCapture capture = now.parts().capture();
        Optional<String> refusal =
                ComparisonGate.refusal(
                        phase.phase(), capture.state(), capture.position(), capturePart(now));
        if (refusal.isPresent()) {
            throw new RefusedException(refusal.get());
        }
        return reconciliations.ask(
                targets,
                new LiveReplicationProgress(
                        setup,
                        broker,
                        now.watches(),
                        capture,
                        () ->
                                ComparisonGate.hopeless(
                                        phase.phase(), capture.state(), capturePart(now))));
    }

    private StatusReport.Part capturePart(Running now) {
        return StatusBoard.capture(now.parts().capture(), now.watches(), setup.clock().instant());
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
            case CHANGES -> table.ifPresent(setup.tables()::requireSource);
            case TARGET -> table.ifPresent(setup.tables()::requireTarget);
        }
        new ChangeLog(setup.kafka(), setup.topics())
                .entries(
                        read,
                        new LogFilter(table, key.map(LogFilter::key)),
                        new Limited(limit, line));
    }

    /// Drains: the capture confirms what is durable, what is under way is applied, the sessions are
    /// closed.
    @Override
    public void close() throws InterruptedException {
        stop.countDown();
        conductor.join(STOP_TIMEOUT);
        reconciliations.close();
        running.watches().close();
        running.parts().close();
        broker.close();
        closeOwner(owner, ownerProbe);
    }
}
