package dev.millrace.source;

import dev.millrace.fault.Incident;
import dev.millrace.streams.Topics;
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
/// carrying on would not be exact: [CaptureState.SourceLost] and
/// [CaptureState.SnapshotInterrupted]. All methods may be called from any thread.
public final class SourceCapture implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(SourceCapture.class);
    private static final Duration FIRST_PAUSE = Duration.ofMillis(500);
    private static final Duration LONGEST_PAUSE = Duration.ofSeconds(10);
    private static final Duration STOP_TIMEOUT = Duration.ofSeconds(30);

    private final CaptureSettings settings;
    private final SourceConnections connections;
    private final InstantSource clock;
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
            CaptureSettings settings, SourceConnections connections, InstantSource clock) {
        this.settings = settings;
        this.connections = connections;
        this.clock = clock;
        this.state = new CaptureState.Starting(clock.instant());
        this.thread =
                Thread.ofPlatform()
                        .name("capture-" + settings.migration())
                        .unstarted(this::supervise);
    }

    public static SourceCapture start(
            CaptureSettings settings, SourceConnections connections, InstantSource clock) {
        // Where the engine makes an object of a date or a time, it does so in the JVM's zone.
        TimeZone.setDefault(TimeZone.getTimeZone(ZoneOffset.UTC));
        SourceCapture capture = new SourceCapture(settings, connections, clock);
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
        while (stop.getCount() > 0) {
            become(new CaptureState.Starting(clock.instant()));
            long eventsBefore = events.get();
            try {
                CaptureRun next =
                        new CaptureRun(
                                settings, connections, delivered, continuity, new Progress());
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
            } catch (SnapshotInterruptedException _) {
                become(new CaptureState.SnapshotInterrupted(clock.instant()));
                return;
            } catch (InterruptedException _) {
                Thread.currentThread().interrupt();
                break;
            } catch (Exception | Error e) {
                if (stop.getCount() == 0) {
                    break;
                }
                Optional<String> unreadable = unreadable(e);
                if (unreadable.isPresent()) {
                    become(new CaptureState.Unreadable(unreadable.get(), clock.instant()));
                    return;
                }
                pause = events.get() > eventsBefore ? FIRST_PAUSE : longer(pause);
                become(
                        new CaptureState.Waiting(
                                Incident.reason(LOG, "capture failed", e), clock.instant()));
                if (!pause(pause)) {
                    break;
                }
            }
        }
        become(new CaptureState.Stopped(clock.instant()));
    }

    private boolean pause(Duration pause) {
        try {
            return !stop.await(pause.toMillis(), TimeUnit.MILLISECONDS);
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    private static Duration longer(Duration pause) {
        Duration twice = pause.multipliedBy(2);
        return twice.compareTo(LONGEST_PAUSE) > 0 ? LONGEST_PAUSE : twice;
    }

    private void become(CaptureState next) {
        state = next;
        switch (next) {
            case CaptureState.Waiting(String reason, Instant _) ->
                    LOG.atWarn()
                            .addKeyValue("migration", settings.migration())
                            .addKeyValue("reason", reason)
                            .log("capture waits and tries again");
            case CaptureState.SourceLost(String reason, Instant _) ->
                    LOG.atError()
                            .addKeyValue("migration", settings.migration())
                            .addKeyValue("reason", reason)
                            .log(
                                    "re-backfill required: the source doesn't continue where the log ends");
            case CaptureState.Unreadable(String reason, Instant _) ->
                    LOG.atError()
                            .addKeyValue("migration", settings.migration())
                            .addKeyValue("reason", reason)
                            .log("the capture can't read what the engine delivers");
            case CaptureState.Starting _,
                    CaptureState.Snapshotting _,
                    CaptureState.Streaming _,
                    CaptureState.SnapshotInterrupted _,
                    CaptureState.Stopped _ ->
                    LOG.atInfo()
                            .addKeyValue("migration", settings.migration())
                            .addKeyValue("state", next.getClass().getSimpleName())
                            .log("capture");
        }
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
        }

        @Override
        public void committed(SourcePosition committed, int count) {
            position = committed;
            committedAt = clock.instant();
            events.addAndGet(count);
        }
    }
}
