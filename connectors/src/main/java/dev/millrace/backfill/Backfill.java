package dev.millrace.backfill;

import dev.millrace.backfill.pace.Pace;
import dev.millrace.change.TableId;
import dev.millrace.lifecycle.Component;
import dev.millrace.lifecycle.ComponentState;
import dev.millrace.lifecycle.Failure;
import dev.millrace.lifecycle.FailureClassifier;
import dev.millrace.lifecycle.Supervisor;
import dev.millrace.postgres.Database;
import dev.millrace.sql.Relation;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/// Reads the existing rows of all tables, and rows of single keys that the log needs, in windows
/// beside the stream. Several readers work at once, each over its own session. Runs until it is
/// stopped: after the last table is complete, keys can still need a window. Thread-safe.
///
/// A run that fails is started again and continues where the log says. The end of a capture run is
/// no failure: the windows that it discarded are read again. While no capture runs, readers wait
/// with at most one window each in memory and no open transaction.
public final class Backfill implements Component {

    private static final int MOST_READERS = 4;

    /// Larger ranges cost memory; smaller ones cost more watermarks.
    private static final long MOST_RANGE_BYTES = 8L << 20;

    private static final Duration CHECK_INTERVAL = Duration.ofMillis(100);

    /// The rows that exist when the stream begins.
    public enum ExistingRows {
        /// They are read into the log.
        READ,

        /// Both sides have the same ones, so that only keys without all cells are read.
        ON_BOTH_SIDES
    }

    /// @param publication the publication of the capture
    /// @param tables every source table, with the key by which the stream identifies rows
    public record Settings(
            String publication,
            List<Relation> tables,
            ExistingRows existing,
            int readers,
            long maxBytes) {

        public Settings {
            tables = List.copyOf(tables);
            if (readers < 1) {
                throw new IllegalArgumentException("no reader: " + readers);
            }
        }

        /// @param maxBytes memory for the windows, as for [Windows]
        public static Settings of(
                String publication, List<Relation> tables, ExistingRows existing, long maxBytes) {
            int cores = Runtime.getRuntime().availableProcessors();
            return new Settings(
                    publication, tables, existing, Math.min(cores, MOST_READERS), maxBytes);
        }

        /// Each reader has one range. Together they fill half of the memory that rows may fill, so
        /// none waits for room.
        private long rangeBytes() {
            return Math.min(MOST_RANGE_BYTES, maxBytes / (4L * readers));
        }
    }

    /// @param rowsEstimated the planner's estimate, at least `rowsDone`; empty if unknown
    public record TableProgress(
            TableId table, long rowsDone, OptionalLong rowsEstimated, boolean done) {}

    /// @param waitsFor what must happen before the first window, if something must
    /// @param needed keys that need a key window
    public record Progressed(
            boolean paused,
            OptionalLong rowsPerSecond,
            Optional<String> waitsFor,
            List<TableProgress> tables,
            long needed) {

        /// Whether the log contains every row.
        public boolean isDone() {
            return needed == 0 && tables.stream().allMatch(TableProgress::done);
        }
    }

    private final Settings settings;
    private final Database source;
    private final Windows windows;
    private final CaptureAccess capture;
    private final Pace pace;
    private volatile Optional<String> waitsFor = Optional.empty();
    private volatile @Nullable Work work;

    public Backfill(
            Settings settings, Database source, Windows windows, CaptureAccess capture, Pace pace) {
        this.settings = settings;
        this.source = source;
        this.windows = windows;
        this.capture = capture;
        this.pace = pace;
    }

    public Progressed state() {
        BackfillState state = capture.state();
        Work now = work;
        return new Progressed(
                pace.isPaused(),
                pace.limit().rows(),
                waitsFor,
                settings.tables().stream().map(each -> progress(state, now, each.id())).toList(),
                state.needs());
    }

    private static TableProgress progress(BackfillState state, @Nullable Work now, TableId table) {
        long rows = state.rows(table);
        boolean done = state.isComplete(table);
        long estimated = now == null || done ? 0 : now.estimatedRows(table);
        return new TableProgress(
                table,
                rows,
                done || estimated > 0
                        ? OptionalLong.of(Math.max(rows, estimated))
                        : OptionalLong.empty(),
                done);
    }

    @Override
    public void run(Supervisor supervisor) throws Exception {
        if (!start(supervisor)) {
            return;
        }
        supervisor.running(ComponentState.Activity.BACKFILLING);
        while (!supervisor.isStopping()) {
            Work begun =
                    new Work(
                            settings.tables(),
                            new Work.Size(settings.readers(), settings.rangeBytes()),
                            pace,
                            capture);
            work = begun;
            read(supervisor, begun);
        }
    }

    /// @return false when the component must stop
    private boolean start(Supervisor supervisor) throws SQLException, InterruptedException {
        return switch (settings.existing()) {
            case READ -> startReading(supervisor);
            case ON_BOTH_SIDES -> recordComplete(supervisor);
        };
    }

    private boolean startReading(Supervisor supervisor) throws SQLException, InterruptedException {
        TableStart start =
                new TableStart(
                        source,
                        settings.publication(),
                        windows,
                        capture,
                        supervisor::pause,
                        found -> {
                            waitsFor = found;
                            supervisor.startWaitsFor(found);
                        });
        while (!supervisor.isStopping()) {
            List<TableId> tables =
                    settings.tables().stream()
                            .map(Relation::id)
                            .filter(table -> !capture.state().isStarted(table))
                            .toList();
            if (tables.isEmpty()) {
                return true;
            }
            try {
                // Another run may begin with another slot. What was waited for says nothing of it.
                long run = windows.run();
                if (start.await(tables)) {
                    recordStart(tables, run);
                }
            } catch (Windows.Discarded _) {
                // Another capture run begins; a watermark must come through it.
                supervisor.pause(CHECK_INTERVAL);
            }
        }
        return false;
    }

    /// No row is read, so nothing has to be waited for.
    private boolean recordComplete(Supervisor supervisor)
            throws SQLException, InterruptedException {
        while (!supervisor.isStopping()) {
            BackfillState state = capture.state();
            List<TableId> tables =
                    settings.tables().stream()
                            .map(Relation::id)
                            .filter(table -> !state.isComplete(table))
                            .toList();
            if (tables.isEmpty()) {
                return true;
            }
            try {
                long run = windows.run();
                recordStart(tables.stream().filter(table -> !state.isStarted(table)).toList(), run);
                long beginnings = state.beginnings();
                windows.record(
                        capture, tables, run, table -> new Progress.Complete(table, beginnings));
            } catch (Windows.Discarded _) {
                supervisor.pause(CHECK_INTERVAL);
            }
        }
        return false;
    }

    /// If the capture run ends first, the caller's loop repeats what was not recorded.
    private void recordStart(List<TableId> tables, long run)
            throws SQLException, InterruptedException, Windows.Discarded {
        windows.record(capture, tables, run, Progress.Started::new);
    }

    /// Returns when the component must stop, or when the work must be planned again.
    private void read(Supervisor supervisor, Work begun) throws Exception {
        AtomicBoolean stopped = new AtomicBoolean();
        AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();
        Reader.Shared shared =
                new Reader.Shared(
                        source,
                        windows,
                        capture,
                        begun,
                        pace,
                        stopped::get,
                        supervisor::progressed);
        List<Thread> readers =
                IntStream.range(0, settings.readers())
                        .mapToObj(i -> reader("backfill-" + i, shared, failure))
                        .toList();
        try {
            boolean running = true;
            while (running && begun.isCurrent() && failure.get() == null) {
                running = supervisor.pause(CHECK_INTERVAL);
            }
        } finally {
            stopped.set(true);
            readers.forEach(Thread::interrupt);
            for (Thread each : readers) {
                each.join();
            }
        }
        switch (failure.get()) {
            case null -> {}
            case Exception failed -> throw failed;
            case Error failed -> throw failed;
            case Throwable failed -> throw new IllegalStateException(failed);
        }
    }

    private static Thread reader(
            String name, Reader.Shared shared, AtomicReference<@Nullable Throwable> failure) {
        return Thread.ofPlatform()
                .daemon(true)
                .name(name)
                .start(
                        () -> {
                            try {
                                new Reader(shared).run();
                            } catch (InterruptedException _) {
                                Thread.currentThread().interrupt();
                            } catch (Exception | Error e) {
                                failure.compareAndSet(null, e);
                            }
                        });
    }

    @Override
    public Failure meaning(Throwable thrown) {
        return thrown instanceof Leaves.NotReadableException refused
                ? new Failure.OperatorNeeded(refused.reason(), refused.remedy())
                : FailureClassifier.of(thrown);
    }

    /// A run ends within a second: every wait is short or ends at an interrupt.
    @Override
    public void stop(Thread thread) {
        thread.interrupt();
    }
}
