package dev.millrace.source;

import dev.millrace.fault.Failure;
import dev.millrace.fault.Fault;
import dev.millrace.fault.RepeatedFailures;
import dev.millrace.lifecycle.FailureClassifier;
import dev.millrace.streams.Topics;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.ZoneOffset;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.TimeZone;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
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
    private static final Duration KAFKA_ANSWERS = Duration.ofSeconds(5);

    /// A failure that no server explains is tried so often while it makes no progress.
    private static final int UNEXPLAINED_LIMIT = 3;

    private final CaptureSettings settings;
    private final SourceConnections connections;
    private final InstantSource clock;
    private final SnapshotFailures snapshots;
    private final RepeatedFailures unexplained = new RepeatedFailures(UNEXPLAINED_LIMIT);
    private final DeliveredTransactions delivered = new DeliveredTransactions();
    private final Continuity continuity = new Continuity();
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
            SnapshotFailures snapshots) {
        this.settings = settings;
        this.connections = connections;
        this.clock = clock;
        this.snapshots = snapshots;
        this.state = new CaptureState.Starting(Optional.empty(), clock.instant());
        this.thread =
                Thread.ofPlatform()
                        .name("capture-" + settings.migration())
                        .unstarted(this::supervise);
    }

    public static SourceCapture start(
            CaptureSettings settings, SourceConnections connections, InstantSource clock) {
        return start(settings, connections, clock, new SnapshotFailures());
    }

    /// @param snapshots why earlier snapshots of this process failed, of this generation or another
    public static SourceCapture start(
            CaptureSettings settings,
            SourceConnections connections,
            InstantSource clock,
            SnapshotFailures snapshots) {
        // Where the engine makes an object of a date or a time, it does so in the JVM's zone.
        TimeZone.setDefault(TimeZone.getTimeZone(ZoneOffset.UTC));
        SourceCapture capture = new SourceCapture(settings, connections, clock, snapshots);
        capture.thread.start();
        return capture;
    }

    /// The generation of the last position in the log, whoever wrote it.
    public static OptionalInt loggedGeneration(Map<String, Object> kafka, Topics topics) {
        return new PositionLog(new LogReader(kafka, CaptureRun.LOG_TIMEOUT), topics.position())
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
                become(interrupted(progress, String.valueOf(e.getMessage()), lastReason));
                return;
            } catch (InterruptedException _) {
                Thread.currentThread().interrupt();
                break;
            } catch (Exception | Error e) {
                if (stop.getCount() == 0) {
                    break;
                }
                boolean moved = events.get() > eventsBefore;
                CaptureState next = judge(e, progress.snapshot, moved);
                become(next);
                if (!(next instanceof CaptureState.Waiting(Failure.Recoverable failure, var _))) {
                    return;
                }
                lastReason = failure.reason();
                pause = moved ? FIRST_PAUSE : longer(pause);
                if (!pause(progress.snapshot ? longest(pause, snapshots.pause()) : pause)) {
                    break;
                }
            }
        }
        become(new CaptureState.Stopped(clock.instant()));
    }

    /// What follows from the failure of a run.
    ///
    /// @param snapshot whether the run had begun to read the rows, and had not read them all
    /// @param moved whether the run wrote anything
    private CaptureState judge(Throwable thrown, boolean snapshot, boolean moved) {
        Optional<String> unreadable = unreadable(thrown);
        if (unreadable.isPresent()) {
            return new CaptureState.Failed(unreadable.get(), clock.instant());
        }
        Failure failure = FailureClassifier.of(thrown);
        if (failure instanceof Failure.Unexplained) {
            LOG.atError()
                    .addKeyValue("migration", settings.migration())
                    .setCause(Fault.of(thrown))
                    .log("capture failed unexpectedly");
        }
        if (moved) {
            unexplained.clear();
        }
        if (snapshot && isRepeatedSnapshotFailure(failure, moved)) {
            return snapshotFailed(failure.reason());
        }
        return switch (failure) {
            case Failure.Recoverable waiting -> new CaptureState.Waiting(waiting, clock.instant());
            case Failure.Lost(String reason) ->
                    new CaptureState.SourceLost(reason, clock.instant());
            case Failure.Unexplained(String reason) ->
                    serversAnswer() && unexplained.isTooMany(failure)
                            ? new CaptureState.Failed(
                                    reason
                                            + ", "
                                            + UNEXPLAINED_LIMIT
                                            + " times in a row while source and Kafka answer. Remove the cause (the log has the place), then restart Millrace.",
                                    clock.instant())
                            : new CaptureState.Waiting(failure.waiting(), clock.instant());
        };
    }

    /// A privilege that is missing before the first row costs nothing to wait for; behind it, each
    /// attempt reads the rows again.
    private boolean isRepeatedSnapshotFailure(Failure failure, boolean moved) {
        boolean costly = moved || !(failure instanceof Failure.OperatorNeeded);
        return costly && serversAnswer() && snapshots.isRepeated(failure);
    }

    private CaptureState snapshotFailed(String reason) {
        return new CaptureState.Failed(
                "the snapshot failed twice for the same reason while source and Kafka answer: "
                        + reason
                        + ". Remove the cause, then restart Millrace: the snapshot begins again.",
                clock.instant());
    }

    /// @param progress of the run that found it out
    private CaptureState interrupted(Progress progress, String found, String lastReason) {
        if (!progress.snapshot) {
            return new CaptureState.SnapshotInterrupted(lastReason, clock.instant());
        }
        return snapshots.isRepeated(new Failure.Unexplained(found))
                ? snapshotFailed(found)
                : new CaptureState.SnapshotInterrupted(found, clock.instant());
    }

    /// Whether a failure of just now can't be the absence of a server.
    private boolean serversAnswer() {
        try (Connection _ = connections.open("capture")) {
            new PositionLog(
                            new LogReader(settings.kafka(), KAFKA_ANSWERS),
                            settings.topics().position())
                    .requireAnswer();
            return true;
        } catch (SQLException | RuntimeException _) {
            return false;
        }
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

    private static Optional<String> unreadable(Throwable failure) {
        for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
            if (cause instanceof UnreadableChangeException unreadable) {
                return Optional.of(String.valueOf(unreadable.getMessage()));
            }
        }
        return Optional.empty();
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
}
