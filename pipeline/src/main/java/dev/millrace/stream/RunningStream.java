package dev.millrace.stream;

import dev.millrace.apply.TargetApplier;
import dev.millrace.apply.gate.WriteGate;
import dev.millrace.backfill.Backfill;
import dev.millrace.backfill.BackfillState;
import dev.millrace.backfill.Rereading;
import dev.millrace.backfill.pace.Pace;
import dev.millrace.capture.CaptureFailures.SnapshotFailures;
import dev.millrace.capture.SourceCapture;
import dev.millrace.capture.WatermarkSession;
import dev.millrace.capture.position.SourcePosition;
import dev.millrace.change.TableId;
import dev.millrace.indexes.TargetIndexes;
import dev.millrace.lifecycle.Component;
import dev.millrace.lifecycle.ComponentState;
import dev.millrace.lifecycle.Failure;
import dev.millrace.lifecycle.RestartPolicy;
import dev.millrace.lifecycle.Supervisor;
import dev.millrace.mappings.RowApplication;
import dev.millrace.retention.LogRetention;
import java.time.Duration;
import java.time.InstantSource;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.BooleanSupplier;

/// The components that run one generation of a [ReplicationStream]: capture, backfill, mappings and
/// apply, and the log's retention beside them. They start and stop in the order of the data: the
/// backfill, whose rows the capture writes, and the capture stop first, so that what is in the log
/// can still be applied. Thread-safe.
public final class RunningStream implements AutoCloseable {

    private static final Duration STOP_TIMEOUT = Duration.ofSeconds(30);

    private final List<TableId> sources;
    private final SourceCapture capture;
    private final RowApplication mappings;
    private final TargetApplier applier;
    private final LogRetention retention;
    private final WatermarkSession watermarks;
    private final Supervisor backfill;
    private final Rereading rereading;
    private final TablesToRead toRead;
    private final TargetIndexes indexes;
    private final Supervisor indexing;

    private RunningStream(
            ReplicationStream stream,
            SourceCapture capture,
            RowApplication mappings,
            TargetApplier applier,
            WatermarkSession watermarks,
            Supervisor backfill,
            Rereading rereading,
            TablesToRead toRead,
            TargetIndexes indexes,
            Supervisor indexing,
            LogRetention retention) {
        this.sources = stream.tables().sourceIds();
        this.capture = capture;
        this.watermarks = watermarks;
        this.backfill = backfill;
        this.rereading = rereading;
        this.toRead = toRead;
        this.indexes = indexes;
        this.indexing = indexing;
        this.mappings = mappings;
        this.applier = applier;
        this.retention = retention;
    }

    static RunningStream start(
            ReplicationStream stream,
            int generation,
            SnapshotFailures snapshots,
            BooleanSupplier owner,
            Pace pace,
            WriteGate gate,
            InstantSource clock) {
        TablesToRead toRead = new TablesToRead(stream, generation);
        SourceCapture capture =
                SourceCapture.start(
                        stream.capture(generation),
                        stream.source().database()::connect,
                        clock,
                        snapshots,
                        owner,
                        RestartPolicy.standard(),
                        new SchemaPause(stream, generation, toRead));
        RowApplication mappings =
                RowApplication.start(stream.mappings(generation), clock, RestartPolicy.standard());
        TargetApplier applier =
                new TargetApplier(
                        stream.applier(generation),
                        () -> stream.target().database().connect("apply"),
                        gate,
                        clock,
                        RestartPolicy.standard());
        TargetIndexes.Settings ofIndexes = stream.indexes(generation, owner);
        boolean keepsIndexes = ofIndexes.dropped().isEmpty();
        if (keepsIndexes) {
            applier.start();
        }
        // No row is written to a table that still has the indexes that are to be dropped.
        TargetIndexes indexes =
                new TargetIndexes(ofIndexes, gate, keepsIndexes ? () -> {} : applier::start);
        Supervisor indexing =
                new Supervisor("indexes-" + stream.id(), indexes, clock, RestartPolicy.standard());
        indexing.start();
        LogRetention retention =
                LogRetention.start(stream.retention(generation), owner, List.of(), clock);
        WatermarkSession watermarks =
                new WatermarkSession(
                        stream.source().database(),
                        stream.watermarks(generation),
                        () -> !gate.isSourceClosed());
        StreamAccess access = new StreamAccess(capture, watermarks);
        Supervisor backfill =
                new Supervisor(
                        "backfill-" + stream.id(),
                        new AfterTheLogIsRead(
                                capture,
                                new Backfill(
                                        Backfill.Settings.of(
                                                stream.publication(),
                                                stream.tables().sources(),
                                                stream.settings().existing(),
                                                SourceCapture.windowBytes()),
                                        stream.source().database(),
                                        capture.windows(),
                                        access,
                                        pace)),
                        clock,
                        RestartPolicy.standard());
        backfill.start();
        return new RunningStream(
                stream,
                capture,
                mappings,
                applier,
                watermarks,
                backfill,
                new Rereading(
                        stream.source().database(),
                        stream.target().database(),
                        stream.publication(),
                        capture.windows(),
                        access,
                        pace),
                toRead,
                indexes,
                indexing,
                retention);
    }

    public SourceCapture capture() {
        return capture;
    }

    /// What the log contains of the existing rows; empty before the log is read.
    public Optional<BackfillProgress> backfill() {
        BackfillState state = capture.backfill();
        SourcePosition position = capture.position();
        if (state == null || position == null) {
            return Optional.empty();
        }
        Map<TableId, BackfillProgress.Table> tables = new HashMap<>();
        for (TableId table : sources) {
            tables.put(
                    table,
                    new BackfillProgress.Table(
                            state.rows(table) + position.rowsRead().getOrDefault(table, 0L),
                            state.isComplete(table)));
        }
        return Optional.of(new BackfillProgress(tables, state.needs()));
    }

    public RowApplication mappings() {
        return mappings;
    }

    public TargetApplier applier() {
        return applier;
    }

    /// The indexes and foreign keys of the target tables, and the state of the component that drops
    /// and creates them.
    public TargetIndexes indexes() {
        return indexes;
    }

    public ComponentState indexesState() {
        return indexing.state();
    }

    public LogRetention retention() {
        return retention;
    }

    /// Reads tables of this stream again while it goes on. What is begun survives a restart: the
    /// backfill continues it, and [#backfill] shows the table as not complete until then.
    public Rereading rereading() {
        return rereading;
    }

    /// The tables of which the stream lacks changes.
    public TablesToRead toRead() {
        return toRead;
    }

    public ComponentState backfillState() {
        return backfill.state();
    }

    @Override
    public void close() {
        retention.close();
        backfill.close(STOP_TIMEOUT);
        watermarks.close();
        capture.close();
        mappings.close();
        // It may start the applier, so it ends first.
        indexing.close(STOP_TIMEOUT);
        applier.close();
    }

    /// Runs the backfill once it is known what the log contains already.
    private record AfterTheLogIsRead(SourceCapture capture, Backfill backfill)
            implements Component {

        private static final Duration INTERVAL = Duration.ofMillis(100);

        @Override
        public void run(Supervisor supervisor) throws Exception {
            while (!isStreaming(supervisor)) {
                if (!supervisor.pause(INTERVAL)) {
                    return;
                }
            }
            backfill.run(supervisor);
        }

        private boolean isStreaming(Supervisor supervisor) {
            SourcePosition position = capture.position();
            if (position == null || position.streaming()) {
                return position != null;
            }
            // The engine reads the rows.
            supervisor.running(ComponentState.Activity.BACKFILLING);
            return false;
        }

        @Override
        public Failure meaning(Throwable thrown) {
            return backfill.meaning(thrown);
        }

        @Override
        public void stop(Thread thread) {
            backfill.stop(thread);
        }
    }
}
