package dev.millrace.capture;

import dev.millrace.backfill.BackfillState;
import dev.millrace.backfill.Windows;
import dev.millrace.capture.CaptureFailures.SnapshotFailures;
import dev.millrace.capture.origin.ChangeOrigins;
import dev.millrace.capture.position.IncompleteKeys;
import dev.millrace.capture.position.PausedTables;
import dev.millrace.capture.position.SourceIdentityGuard;
import dev.millrace.capture.position.SourcePosition;
import dev.millrace.capture.position.TablePause;
import dev.millrace.change.Topics;
import dev.millrace.kafka.TopicReader;
import dev.millrace.lifecycle.Component;
import dev.millrace.lifecycle.ComponentState;
import dev.millrace.lifecycle.Failure;
import dev.millrace.lifecycle.RestartPolicy;
import dev.millrace.lifecycle.Supervisor;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/// Captures the changes of one migration: from the write-ahead log to the changes topic, exactly
/// once. Owns the replication slot, the creation of the publication and the transactional producer.
/// Each run resumes at the position in the log, so capture survives failures of the source and the
/// broker. It ends only where continuing would not be exact ([Failure.Lost],
/// [Failure.SnapshotInterrupted]) or would fail again in the same way ([Failure.Fatal]).
/// Thread-safe.
public final class SourceCapture implements AutoCloseable {

    private static final Duration STOP_TIMEOUT = Duration.ofSeconds(30);
    private static final int WINDOWS_PART_OF_HEAP = 32;
    private static final long SMALLEST_WINDOWS_BYTES = 8L << 20;
    private static final long LARGEST_WINDOWS_BYTES = 128L << 20;
    private static final int NEEDS_PART_OF_HEAP = 16;
    private static final long SMALLEST_NEEDS_BYTES = 8L << 20;
    private static final Failure.OperatorNeeded NOT_OWNER =
            new Failure.OperatorNeeded(
                    "the target does not confirm that this process has the lock of the migration,"
                            + " so another process may run the migration",
                    "Restore the target, or end the other process.");

    private final CaptureSettings settings;
    private final SourceConnections connections;
    private final InstantSource clock;
    private final SnapshotFailures snapshots;
    private final BooleanSupplier owner;
    private final DeliveredTransactions delivered = new DeliveredTransactions();
    private final SourceIdentityGuard continuity = new SourceIdentityGuard();
    private final CaptureRun.BackfillAccess backfill;
    private final AtomicLong events = new AtomicLong();
    private final Supervisor supervisor;
    private volatile @Nullable SourcePosition position;
    private volatile ChangeOrigins origins = ChangeOrigins.NONE;
    private volatile @Nullable Instant committedAt;

    private SourceCapture(
            CaptureSettings settings,
            SourceConnections connections,
            InstantSource clock,
            SnapshotFailures snapshots,
            BooleanSupplier owner,
            RestartPolicy policy,
            TablePause pause) {
        this.settings = settings;
        this.backfill =
                new CaptureRun.BackfillAccess(
                        new Windows(windowBytes()),
                        new BackfillState(settings.generation(), needBytes()),
                        new IncompleteKeys(),
                        new PausedTables(pause));
        this.connections = connections;
        this.clock = clock;
        this.snapshots = snapshots;
        this.owner = owner;
        this.supervisor =
                new Supervisor("capture-" + settings.migration(), new Capturing(), clock, policy);
    }

    private static long needBytes() {
        return Math.max(
                Runtime.getRuntime().maxMemory() / NEEDS_PART_OF_HEAP, SMALLEST_NEEDS_BYTES);
    }

    public static SourceCapture start(
            CaptureSettings settings, SourceConnections connections, InstantSource clock) {
        return start(
                settings,
                connections,
                clock,
                new SnapshotFailures(),
                () -> true,
                RestartPolicy.standard(),
                TablePause.NEVER);
    }

    /// @param snapshots why earlier snapshots of this process failed, in every generation
    /// @param owner whether this process has the lock of the migration at this moment; asked before
    ///   another run takes the log from a process that may own it
    /// @param pause pauses tables whose definition changes on the source
    public static SourceCapture start(
            CaptureSettings settings,
            SourceConnections connections,
            InstantSource clock,
            SnapshotFailures snapshots,
            BooleanSupplier owner,
            RestartPolicy policy,
            TablePause pause) {
        SourceCapture capture =
                new SourceCapture(settings, connections, clock, snapshots, owner, policy, pause);
        capture.supervisor.start();
        return capture;
    }

    /// The generation of the last position in the log, of any process.
    public static OptionalInt loggedGeneration(Map<String, Object> kafka, Topics topics) {
        return new PositionLog(new TopicReader(kafka, CaptureRun.LOG_TIMEOUT), topics.position())
                .last()
                .map(position -> OptionalInt.of(position.generation()))
                .orElse(OptionalInt.empty());
    }

    public ComponentState state() {
        return supervisor.state();
    }

    /// The last position whose Kafka transaction is committed, or the start of a generation without
    /// commits; `null` before the log is read.
    public @Nullable SourcePosition position() {
        return position;
    }

    /// What the log contains of the backfill; `null` before the log is read.
    public @Nullable BackfillState backfill() {
        return position == null ? null : backfill.state();
    }

    /// The tables that are paused because their definition has changed on the source.
    public PausedTables paused() {
        return backfill.paused();
    }

    /// At which watermarks the log lacked cells of a row.
    public IncompleteKeys incompleteKeys() {
        return backfill.incomplete();
    }

    /// Where rows that are read beside the stream enter the log.
    public Windows windows() {
        return backfill.windows();
    }

    /// Memory for the rows of all windows.
    public static long windowBytes() {
        return Math.clamp(
                Runtime.getRuntime().maxMemory() / WINDOWS_PART_OF_HEAP,
                SMALLEST_WINDOWS_BYTES,
                LARGEST_WINDOWS_BYTES);
    }

    /// When this process last committed a Kafka transaction, or `null`.
    public @Nullable Instant committedAt() {
        return committedAt;
    }

    /// Number of events that this process has written. Excludes what it dropped.
    public long events() {
        return events.get();
    }

    /// Number of changes since this process began that the opposite stream did not write. While the
    /// application writes on the other side, each is a breach.
    public long changesOfOthers() {
        return origins.ofOthers();
    }

    /// The last change that the opposite stream did not write, since this process began.
    public Optional<ChangeOrigins.Foreign> lastOfOthers() {
        return origins.lastOfOthers();
    }

    /// Number of changes that this process dropped, because the opposite stream wrote them.
    public long ownChanges() {
        return origins.own();
    }

    public DeliveredTransactions delivered() {
        return delivered;
    }

    /// Stops the engine, confirms what is durable, and waits for the end.
    @Override
    public void close() {
        supervisor.close(STOP_TIMEOUT);
    }

    private final class Capturing implements Component {

        private final CaptureFailures failures =
                new CaptureFailures(settings, connections, snapshots);
        private Progress progress = new Progress();
        private volatile @Nullable CaptureRun current;

        @Override
        public void run(Supervisor supervisor) throws Exception {
            progress = new Progress();
            CaptureRun next =
                    new CaptureRun(
                            settings, connections, delivered, continuity, backfill, progress);
            current = next;
            if (supervisor.isStopping()) {
                next.stop(Duration.ZERO);
            }
            next.run();
        }

        @Override
        public Failure meaning(Throwable thrown) {
            return failures.meaning(thrown, progress.snapshot, progress.moved);
        }

        @Override
        public boolean serversAnswer() {
            return failures.serversAnswer();
        }

        @Override
        public Duration shortestDelay() {
            return progress.snapshot ? snapshots.pause() : Duration.ZERO;
        }

        /// A run takes slot and log from the process that has them. If that process is the owner,
        /// it takes them back, and neither makes progress.
        @Override
        public Optional<Failure.Recoverable> blocked() {
            return owner.getAsBoolean() ? Optional.empty() : Optional.of(NOT_OWNER);
        }

        @Override
        public void stop(Thread thread) throws InterruptedException {
            CaptureRun running = current;
            if (running != null) {
                running.stop(STOP_TIMEOUT);
            }
        }
    }

    private final class Progress implements CaptureRun.Listener {

        /// The run makes a snapshot that is not complete.
        private volatile boolean snapshot;

        /// The run has written events.
        private volatile boolean moved;

        @Override
        public boolean waiting(Optional<String> waitsFor) {
            return supervisor.startWaitsFor(waitsFor);
        }

        @Override
        public void snapshotting() {
            supervisor.running(ComponentState.Activity.SNAPSHOT);
        }

        @Override
        public void streaming() {
            supervisor.running(ComponentState.Activity.STREAMING);
        }

        @Override
        public void startingAt(SourcePosition start) {
            position = start;
            snapshot = !start.streaming();
        }

        @Override
        public void committed(SourcePosition committed, int count, ChangeOrigins written) {
            position = committed;
            committedAt = clock.instant();
            if (snapshot && committed.streaming()) {
                snapshot = false;
                snapshots.succeeded();
            }
            origins = origins.plus(written);
            if (count > 0 || written.own() > 0) {
                moved = true;
                events.addAndGet(count);
                supervisor.progressed();
            }
        }
    }

    /// Opens sessions on the source with pinned settings, in autocommit mode. The caller closes
    /// them.
    @FunctionalInterface
    public interface SourceConnections {

        Connection open(String purpose) throws SQLException;
    }
}
