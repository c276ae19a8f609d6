package dev.millrace.capture;

import dev.millrace.capture.CaptureFailures.SnapshotFailures;
import dev.millrace.capture.CaptureRun.SnapshotInterruptedException;
import dev.millrace.capture.position.SourcePosition;
import dev.millrace.capture.position.SourcePosition.SourceLostException;
import dev.millrace.change.Topics;
import dev.millrace.kafka.TopicReader;
import dev.millrace.lifecycle.Failure;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// The capture of one migration: write-ahead log to changes topic, exactly once. Owns the slot, the
/// publication's making and the transactional producer; keeps running over faults of source and
/// broker, each run resuming at the boundary that the log holds. It ends by itself only where
/// carrying on would not be exact, [CaptureState.SourceLost] and
/// [CaptureState.SnapshotInterrupted], and where it would fail the same way again,
/// [CaptureState.Failed]. All methods may be called from any thread.
public final class SourceCapture implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(SourceCapture.class);
    private static final Duration FIRST_PAUSE = Duration.ofMillis(500);
    private static final Duration LONGEST_PAUSE = Duration.ofSeconds(10);
    private static final Duration STOP_TIMEOUT = Duration.ofSeconds(30);
    private static final Duration OWNER_ASKED = Duration.ofSeconds(1);
    private static final Failure.OperatorNeeded NOT_OWNER =
            new Failure.OperatorNeeded(
                    "the target does not confirm that this process has the migration's lock, so another one may run the migration",
                    "Bring the target back, or end the other process.");

    private final CaptureSettings settings;
    private final SourceConnections connections;
    private final InstantSource clock;
    private final SnapshotFailures snapshots;
    private final CaptureFailures failures;
    private final BooleanSupplier owner;
    private final DeliveredTransactions delivered = new DeliveredTransactions();
    private final SourceIdentityGuard continuity = new SourceIdentityGuard();
    private final CountDownLatch stop = new CountDownLatch(1);
    private final AtomicLong events = new AtomicLong();
    private final Thread thread;
    private volatile CaptureState state;
    private volatile @Nullable SourcePosition position;
    private volatile @Nullable Instant committedAt;
    private volatile @Nullable CaptureRun run;

    private SourceCapture(
            CaptureSettings settings,
            SourceConnections connections,
            InstantSource clock,
            SnapshotFailures snapshots,
            BooleanSupplier owner) {
        this.owner = owner;
        this.settings = settings;
        this.connections = connections;
        this.clock = clock;
        this.snapshots = snapshots;
        this.failures = new CaptureFailures(settings, connections, clock, snapshots);
        this.state = new CaptureState.Starting(Optional.empty(), clock.instant());
        this.thread =
                Thread.ofPlatform()
                        .name("capture-" + settings.migration())
                        .unstarted(this::supervise);
    }

    public static SourceCapture start(
            CaptureSettings settings, SourceConnections connections, InstantSource clock) {
        return start(settings, connections, clock, new SnapshotFailures(), () -> true);
    }

    /// @param snapshots why earlier snapshots of this process failed, of this generation or another
    /// @param owner whether this process has the migration at this moment: asked before the log is
    ///   taken back from another one
    public static SourceCapture start(
            CaptureSettings settings,
            SourceConnections connections,
            InstantSource clock,
            SnapshotFailures snapshots,
            BooleanSupplier owner) {
        SourceCapture capture = new SourceCapture(settings, connections, clock, snapshots, owner);
        capture.thread.start();
        return capture;
    }

    /// The generation of the last position in the log, whoever wrote it.
    public static OptionalInt loggedGeneration(Map<String, Object> kafka, Topics topics) {
        return new PositionLog(new TopicReader(kafka, CaptureRun.LOG_TIMEOUT), topics.position())
                .last()
                .map(position -> OptionalInt.of(position.generation()))
                .orElse(OptionalInt.empty());
    }

    public CaptureState state() {
        return state;
    }

    /// The last position whose Kafka transaction is committed, or where a generation begins of
    /// which nothing is committed yet; `null` before the log was read.
    public @Nullable SourcePosition position() {
        return position;
    }

    /// When the last Kafka transaction was committed by this process, or `null`.
    public @Nullable Instant committedAt() {
        return committedAt;
    }

    /// Events this process has written.
    public long events() {
        return events.get();
    }

    public DeliveredTransactions delivered() {
        return delivered;
    }

    /// Stops the engine, confirms what is durable, and waits for the end.
    @Override
    public void close() throws InterruptedException {
        stop.countDown();
        CaptureRun running = run;
        if (running != null) {
            running.stop(STOP_TIMEOUT);
        }
        thread.join(STOP_TIMEOUT);
    }

    private void supervise() {
        Duration pause = FIRST_PAUSE;
        String lastReason = "Millrace ended while it read the rows";
        while (stop.getCount() > 0) {
            become(new CaptureState.Starting(Optional.empty(), clock.instant()));
            long eventsBefore = events.get();
            Progress progress = new Progress();
            try {
                CaptureRun next =
                        new CaptureRun(settings, connections, delivered, continuity, progress);
                run = next;
                if (stop.getCount() == 0) {
                    next.stop(Duration.ZERO);
                }
                next.run();
            } catch (SourceLostException e) {
                become(
                        new CaptureState.SourceLost(
                                String.valueOf(e.getMessage()), clock.instant()));
                return;
            } catch (SnapshotInterruptedException e) {
                become(
                        progress.snapshot
                                ? failures.interrupted(String.valueOf(e.getMessage()))
                                : new CaptureState.SnapshotInterrupted(
                                        lastReason, clock.instant()));
                return;
            } catch (InterruptedException _) {
                Thread.currentThread().interrupt();
                break;
            } catch (Exception | Error e) {
                if (stop.getCount() == 0) {
                    break;
                }
                boolean moved = events.get() > eventsBefore;
                CaptureState next = failures.judge(e, progress.snapshot, moved);
                become(next);
                if (!(next instanceof CaptureState.Waiting(Failure.Recoverable failure, var _))) {
                    return;
                }
                lastReason = failure.reason();
                pause = moved ? FIRST_PAUSE : longer(pause);
                if (!pause(progress.snapshot ? longest(pause, snapshots.pause()) : pause)
                        || !awaitOwner()) {
                    break;
                }
            }
        }
        become(new CaptureState.Stopped(clock.instant()));
    }

    /// A run takes slot and log from whoever has them. Taken from the owner, they would only be
    /// taken back.
    private boolean awaitOwner() {
        boolean said = false;
        while (!owner.getAsBoolean()) {
            if (!said) {
                become(new CaptureState.Waiting(NOT_OWNER, clock.instant()));
                said = true;
            }
            if (!pause(OWNER_ASKED)) {
                return false;
            }
        }
        return true;
    }

    private boolean pause(Duration pause) {
        try {
            return !stop.await(pause.toMillis(), TimeUnit.MILLISECONDS);
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    private static Duration longest(Duration one, Duration other) {
        return one.compareTo(other) > 0 ? one : other;
    }

    private static Duration longer(Duration pause) {
        Duration twice = pause.multipliedBy(2);
        return twice.compareTo(LONGEST_PAUSE) > 0 ? LONGEST_PAUSE : twice;
    }

    private synchronized void become(CaptureState next) {
        state = next;
        switch (next) {
            case CaptureState.Waiting(Failure.Recoverable failure, Instant _) ->
                    LOG.atWarn()
                            .addKeyValue("migration", settings.migration())
                            .addKeyValue("reason", failure.reason())
                            .log("capture waits and tries again");
            case CaptureState.SourceLost(String reason, Instant _) ->
                    LOG.atError()
                            .addKeyValue("migration", settings.migration())
                            .addKeyValue("reason", reason)
                            .log(
                                    "re-backfill required: the source doesn't continue where the log ends");
            case CaptureState.Failed(String reason, Instant _) ->
                    LOG.atError()
                            .addKeyValue("migration", settings.migration())
                            .addKeyValue("reason", reason)
                            .log("the capture has ended");
            case CaptureState.SnapshotInterrupted(String reason, Instant _) ->
                    LOG.atWarn()
                            .addKeyValue("migration", settings.migration())
                            .addKeyValue("reason", reason)
                            .log("the snapshot was interrupted");
            case CaptureState.Starting _,
                    CaptureState.Snapshotting _,
                    CaptureState.Streaming _,
                    CaptureState.Stopped _ ->
                    LOG.atInfo()
                            .addKeyValue("migration", settings.migration())
                            .addKeyValue("state", next.getClass().getSimpleName())
                            .log("capture");
        }
    }

    private synchronized boolean stillStarting(Optional<String> waitsFor) {
        if (!(state instanceof CaptureState.Starting(Optional<String> before, Instant since))) {
            return false;
        }
        if (!before.equals(waitsFor)) {
            become(new CaptureState.Starting(waitsFor, since));
        }
        return true;
    }

    private final class Progress implements CaptureRun.Listener {

        /// The run makes a snapshot that is not complete.
        private volatile boolean snapshot;

        @Override
        public boolean waiting(Optional<String> waitsFor) {
            return stillStarting(waitsFor);
        }

        @Override
        public void snapshotting() {
            become(new CaptureState.Snapshotting(clock.instant()));
        }

        @Override
        public void streaming() {
            become(new CaptureState.Streaming(clock.instant()));
        }

        @Override
        public void startingAt(SourcePosition start) {
            position = start;
            snapshot = !start.streaming();
        }

        @Override
        public void committed(SourcePosition committed, int count) {
            position = committed;
            committedAt = clock.instant();
            if (snapshot && committed.streaming()) {
                snapshot = false;
                snapshots.succeeded();
            }
            events.addAndGet(count);
        }
    }

    /// Opens pinned sessions on the source, in autocommit mode; the caller closes them.
    @FunctionalInterface
    public interface SourceConnections {

        Connection open(String purpose) throws SQLException;
    }
}
