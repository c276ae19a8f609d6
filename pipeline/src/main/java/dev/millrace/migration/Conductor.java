package dev.millrace.migration;

import dev.millrace.apply.origin.SessionOrigin.OriginUse;
import dev.millrace.capture.CaptureFailures.SnapshotFailures;
import dev.millrace.control.GenerationStore.Generation;
import dev.millrace.control.OwnerStore;
import dev.millrace.control.OwnerStore.Ownership;
import dev.millrace.flow.FlowControl;
import dev.millrace.kafka.Broker;
import dev.millrace.lifecycle.Hindrance;
import dev.millrace.migration.Phase.Traffic;
import dev.millrace.rebackfill.Rebackfills;
import dev.millrace.repair.Repairs;
import dev.millrace.replication.GenerationStart;
import dev.millrace.replication.GenerationStart.Rows;
import dev.millrace.replication.LaterAdditions;
import dev.millrace.replication.LiveStream;
import dev.millrace.replication.RefusedException;
import dev.millrace.stream.BackfillProgress;
import dev.millrace.stream.ReplicationStream;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.IntConsumer;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Runs the components of a stream and moves the migration from phase to phase, on one thread. It
/// begins the next generation when a snapshot was interrupted, and stops the components while
/// another process owns the migration. Thread-safe; only the conductor's thread changes its state.
final class Conductor implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(Conductor.class);
    private static final Duration INTERVAL = Duration.ofMillis(250);
    private static final Duration STOP_TIMEOUT = Duration.ofSeconds(60);

    private final ReplicationStream stream;
    private final InstantSource clock;
    private final OwnerStore owner;
    private final GenerationStart generations;
    private final LaterAdditions additions;
    private final LiveStream.Equipment live;
    private final CurrentPhase phase;
    private final FlowControl flow;
    private final StatusBoard board;
    private final IntConsumer onGeneration;
    private final Supplier<Traffic> traffic;
    private final Rebackfills rebackfills;
    private final Repairs repairs;
    private final Hindrance hindrance;
    private final CountDownLatch stop = new CountDownLatch(1);
    private final Thread thread;
    private volatile LiveStream running;
    private volatile StatusReport.@Nullable Part suspended;

    /// Since when the log has had changes without all cells; `null` while it has none.
    private @Nullable Instant incompleteSince;

    /// Why the migration fails until the next start of the process, whatever its components do.
    private Optional<String> refusal = Optional.empty();

    private boolean generationRefused;

    /// What a conductor works with.
    ///
    /// @param traffic where the application writes
    record Equipment(
            ReplicationStream stream,
            InstantSource clock,
            Broker broker,
            OwnerStore owner,
            GenerationStart generations,
            LaterAdditions additions,
            FlowControl flow,
            StatusBoard board,
            Supplier<Traffic> traffic,
            Rebackfills rebackfills,
            Repairs repairs) {}

    /// @param onGeneration called on the conductor's thread when another generation begins
    Conductor(Equipment with, Generation generation, CurrentPhase phase, IntConsumer onGeneration) {
        this.stream = with.stream();
        this.clock = with.clock();
        this.owner = with.owner();
        this.generations = with.generations();
        this.additions = with.additions();
        this.flow = with.flow();
        this.board = with.board();
        this.traffic = with.traffic();
        this.rebackfills = with.rebackfills();
        this.repairs = with.repairs();
        this.phase = phase;
        this.onGeneration = onGeneration;
        this.hindrance = new Hindrance(stream.name(), clock);
        this.live =
                new LiveStream.Equipment(
                        stream,
                        with.broker(),
                        owner::isConfirmed,
                        new SnapshotFailures(),
                        flow.pace(),
                        flow.gate(),
                        clock);
        this.running = run(generation);
        this.thread = Thread.ofPlatform().name("conductor-" + stream.id()).unstarted(this::conduct);
    }

    void start() {
        thread.start();
    }

    LiveStream running() {
        return running;
    }

    CurrentPhase.State phase() {
        return phase.state();
    }

    List<StatusReport.Part> parts(LiveStream now) {
        return Stream.concat(states(now).parts().stream(), Stream.ofNullable(suspended)).toList();
    }

    private ComponentStates states(LiveStream now) {
        return board.states(now, hindrance.state());
    }

    private LiveStream run(Generation generation) {
        LiveStream started = LiveStream.start(live, generation, additions::find);
        if (traffic.get() != Traffic.ON_SOURCE) {
            started.stream().applier().reopenSessions(OriginUse.REQUIRED);
        }
        rebackfills.begin(started);
        repairs.begin(started);
        return started;
    }

    private void conduct() {
        try {
            while (!stop.await(INTERVAL.toMillis(), TimeUnit.MILLISECONDS)) {
                try {
                    step();
                    hindrance.passed();
                } catch (SQLException | RuntimeException | Error e) {
                    hindrance.by(e).ifPresent(this::fail);
                    if (stop.await(hindrance.delay().toMillis(), TimeUnit.MILLISECONDS)) {
                        return;
                    }
                }
            }
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
    }

    private void step() throws SQLException, InterruptedException {
        if (!mayRun()) {
            return;
        }
        board.observe(running);
        if (!generationRefused
                && rebackfills.wantedGeneration().orElse(0) > running.generation().number()) {
            beginNextGeneration(Rows.KEPT);
        } else if (refusal.isEmpty()
                && !flow.gate().isClosed()
                && states(running).isSnapshotInterrupted()) {
            beginNextGeneration(Rows.EMPTIED);
        }
        Phase before;
        do {
            before = phase.phase();
            phase.take(PhaseRule.next(before, facts()));
            // A phase that was entered may be left at once.
        } while (!phase.phase().equals(before));
    }

    private void fail(String reason) {
        refusal = Optional.of(reason);
        phase.show(phase.phase().fail(reason));
    }

    /// Stops the components when another process owns the migration, and starts them again when
    /// this process owns it again. In between, the journal belongs to the other process.
    private boolean mayRun() throws InterruptedException {
        switch (owner.ownership()) {
            case Ownership.Held _ -> {
                if (suspended != null) {
                    running = run(running.generation());
                    suspended = null;
                }
            }
            case Ownership.Taken(String reason, Instant since) -> suspend(reason, since);
            case Ownership.Superseded(String reason) -> {
                suspend(reason, clock.instant());
                if (!(phase.phase() instanceof Phase.Failed)) {
                    phase.show(phase.phase().fail(reason));
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
                .addKeyValue("migration", stream.name())
                .addKeyValue("reason", reason)
                .log("This process lost the lock of the migration. Its components are stopped.");
        suspended = new StatusReport.Part("owner", reason, false, since);
        if (phase.phase() instanceof Phase.InSync inSync) {
            phase.show(inSync.fellBehind());
        }
        stopRunning();
    }

    private void stopRunning() {
        rebackfills.end();
        repairs.end();
        running.close();
    }

    private void beginNextGeneration(Rows rows) throws SQLException, InterruptedException {
        LiveStream old = running;
        stopRunning();
        LOG.atWarn()
                .addKeyValue("migration", stream.name())
                .addKeyValue("generation", old.generation().number())
                .addKeyValue("rows", rows)
                .log("The log cannot be continued. A new generation begins with empty topics.");
        try {
            running = run(generations.next(old.generation(), rows));
        } catch (RefusedException e) {
            refusal = Optional.of(String.valueOf(e.getMessage()));
            generationRefused = true;
            return;
        }
        switch (rows) {
            case KEPT -> {
                refusal = Optional.empty();
                phase.show(new Phase.Backfilling());
            }
            case EMPTIED -> {
                if (phase.phase() instanceof Phase.Failed failed) {
                    // The failed component belonged to the old generation.
                    phase.show(failed.resume());
                }
            }
        }
        onGeneration.accept(running.generation().number());
    }

    private PhaseRule.Facts facts() {
        LiveStream now = running;
        Optional<BackfillProgress> backfill = now.stream().backfill();
        boolean incomplete = backfill.filter(read -> read.incompleteKeys() > 0).isPresent();
        incompleteSince =
                !incomplete ? null : incompleteSince == null ? clock.instant() : incompleteSince;
        boolean partsWell = parts(now).stream().allMatch(StatusReport.Part::well);
        return new PhaseRule.Facts(
                backfill.filter(BackfillProgress::isComplete).isPresent(),
                Optional.ofNullable(incompleteSince)
                        .map(since -> Duration.between(since, clock.instant())),
                now.lag().freshness().age(clock.instant()),
                partsWell
                        && !flow.gate().isClosed()
                        && now.lag().stopped().isEmpty()
                        && now.stream().indexes().isRestored()
                        && !rebackfills.isRunning(),
                refusal.or(() -> states(now).ended()),
                traffic.get());
    }

    /// Ends the thread, then the components.
    @Override
    public void close() {
        stop.countDown();
        try {
            thread.join(STOP_TIMEOUT);
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
        stopRunning();
    }
}
