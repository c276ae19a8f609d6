package dev.millrace.backfill;

import dev.millrace.backfill.TableWork.LeafWork;
import dev.millrace.backfill.TableWork.Step;
import dev.millrace.backfill.Window.Outcome;
import dev.millrace.backfill.pace.Pace;
import dev.millrace.change.Row;
import dev.millrace.change.RowKey;
import dev.millrace.change.RowSchema;
import dev.millrace.change.TableId;
import dev.millrace.lifecycle.PausePoint;
import dev.millrace.postgres.Catalog;
import dev.millrace.postgres.Database;
import dev.millrace.postgres.RunningTransactions;
import dev.millrace.sql.Relation;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/// Performs steps of [Work] over one session until it is stopped. Has at most one window, so that
/// after a crash at most one range per reader is read again; while it is on its way through the
/// stream, the other readers read. Confined to its thread.
final class Reader {

    private static final Duration IDLE = Duration.ofMillis(100);
    private static final Duration NOT_NOW = Duration.ofMillis(20);

    /// What all readers share.
    ///
    /// @param progressed runs when a window was written
    record Shared(
            Database source,
            Windows windows,
            CaptureAccess capture,
            Work work,
            Pace pace,
            BooleanSupplier stopped,
            Runnable progressed) {}

    /// A closed window and what follows from its outcome.
    private record Pending(Window window, Consumer<Outcome> settle) {}

    private final Shared shared;
    private @Nullable Pending pending;

    Reader(Shared shared) {
        this.shared = shared;
    }

    void run() throws SQLException, InterruptedException, Leaves.NotReadableException {
        try (Connection connection = shared.source().connect("backfill")) {
            while (!shared.stopped().getAsBoolean()) {
                Optional<Step> step = shared.work().poll();
                if (step.isPresent()) {
                    perform(connection, step.get());
                    settle();
                } else {
                    shared.work().await(IDLE);
                }
            }
        } finally {
            if (pending != null) {
                pending.window().cancel();
            }
        }
    }

    private void settle() throws InterruptedException {
        Pending closed = pending;
        if (closed != null) {
            Outcome outcome = closed.window().awaitWritten();
            pending = null;
            if (outcome == Outcome.WRITTEN) {
                shared.progressed().run();
            }
            closed.settle().accept(outcome);
        }
    }

    private void perform(Connection connection, Step step)
            throws SQLException, InterruptedException, Leaves.NotReadableException {
        switch (step) {
            case Step.ReadKeys(TableWork table, List<RowKey> keys) ->
                    readKeys(connection, table, keys);
            case Step.ReadRange(TableWork table, LeafWork leaf, TidRange range) ->
                    readRange(connection, table, leaf, range);
            case Step.Look(TableWork table) -> look(connection, table);
            case Step.Complete(TableWork table) ->
                    mark(
                            new Progress.Complete(table.id(), shared.work().beginnings()),
                            outcome ->
                                    shared.work()
                                            .update(
                                                    table,
                                                    work ->
                                                            work.completed(
                                                                    outcome == Outcome.WRITTEN)));
        }
    }

    private void look(Connection connection, TableWork table)
            throws SQLException, Leaves.NotReadableException {
        List<Leaves.Leaf> leaves = Leaves.find(connection, table.id());
        Relation now = relation(connection, table);
        shared.work().update(table, work -> work.looked(now, leaves, shared.capture().state()));
    }

    private static Relation relation(Connection connection, TableWork table) {
        return Catalog.ofSource(connection).relation(table.id()).orElse(table.planned());
    }

    /// Writes progress without rows. It follows every window that was written before.
    private void mark(Progress progress, Consumer<Outcome> settle)
            throws SQLException, InterruptedException {
        Window window = shared.windows().open(progress.table());
        boolean handedOver = false;
        try {
            // Its own watermark: without a change on the source no other one may come.
            window.close(shared.capture().emitWatermark(), List.of(), progress);
            pending = new Pending(window, settle);
            handedOver = true;
        } finally {
            if (!handedOver) {
                window.cancel();
            }
        }
    }

    private void readRange(Connection connection, TableWork table, LeafWork leaf, TidRange range)
            throws SQLException, InterruptedException {
        RowSchema schema = table.schema();
        Window window = shared.windows().open(table.id());
        boolean handedOver = false;
        try {
            Predicate<RunningTransactions> delivered = shared.capture().deliveredAsOfNow();
            Pace.Read read = shared.pace().begin();
            RowCopy.Limit limit = limit(read);
            RangeReader reader = new RangeReader(connection);
            RangeReader.Result result;
            do {
                result = reader.read(leaf.leaf(), schema, range, limit, delivered);
            } while (result instanceof RangeReader.Result.NotNow && mayTryAgain(limit));
            switch (result) {
                case RangeReader.Result.NotNow _ -> {}
                case RangeReader.Result.Altered _ ->
                        shared.work().update(table, _ -> leaf.markAltered());
                case RangeReader.Result.Read(List<Row> rows, TidRange done, long bytes)
                        when !done.isEmpty() -> {
                    PausePoint.RANGE_READ.pass();
                    read.done(rows.size(), bytes, shared.work().readers());
                    shared.work().update(table, _ -> leaf.ranges().learn(done, rows.size(), bytes));
                    window.close(
                            shared.capture().emitWatermark(),
                            rows,
                            new Progress.RangeRead(
                                    table.id(), leaf.leaf().version(), done, rows.size()));
                    pending =
                            new Pending(
                                    window, outcome -> settle(table, leaf, range, done, outcome));
                    handedOver = true;
                    PausePoint.RANGE_HANDED_OVER.pass();
                }
                case RangeReader.Result.Read _ -> {}
            }
        } finally {
            if (!handedOver) {
                window.cancel();
                shared.work().update(table, _ -> leaf.ranges().giveBack(range));
            }
        }
    }

    private void settle(
            TableWork table, LeafWork leaf, TidRange range, TidRange done, Outcome outcome) {
        shared.work()
                .update(
                        table,
                        work -> {
                            switch (outcome) {
                                case WRITTEN -> leaf.ranges().written(range, done);
                                case COLUMNS_CHANGED -> {
                                    leaf.ranges().giveBack(range);
                                    work.lookAgain();
                                }
                                case TOO_MANY_CHANGES, CANCELLED, DISCARDED ->
                                        leaf.ranges().giveBack(range);
                            }
                        });
    }

    private void readKeys(Connection connection, TableWork table, List<RowKey> keys)
            throws SQLException, InterruptedException {
        TableId id = table.id();
        Relation now = relation(connection, table);
        Relation relation = new Relation(id, now.columns(), table.planned().key());
        Window window = shared.windows().open(id);
        boolean handedOver = false;
        try {
            Predicate<RunningTransactions> delivered = shared.capture().deliveredAsOfNow();
            Pace.Read read = shared.pace().begin();
            RowCopy.Limit limit = limit(read);
            KeyReader reader = new KeyReader(connection);
            Optional<KeyReader.Found> found;
            do {
                found = reader.read(relation, TableWork.schema(relation), keys, limit, delivered);
            } while (found.isEmpty() && mayTryAgain(limit));
            if (found.isPresent()) {
                read.done(found.get().rows().size(), found.get().bytes(), shared.work().readers());
                window.close(
                        shared.capture().emitWatermark(),
                        found.get().rows(),
                        new Progress.KeysRead(id, found.get().keys()));
                pending = new Pending(window, _ -> shared.work().keysRead(id));
                handedOver = true;
            }
        } finally {
            if (!handedOver) {
                window.cancel();
                shared.work().keysRead(id);
            }
        }
    }

    private boolean mayTryAgain(RowCopy.Limit limit) throws InterruptedException {
        shared.work().await(NOT_NOW);
        return !limit.stop().getAsBoolean();
    }

    /// A change of the pace ends a read, so that it takes effect at once; so does a pause that came
    /// between the choice of the step and this call.
    private RowCopy.Limit limit(Pace.Read read) {
        long version = shared.pace().version();
        return new RowCopy.Limit(
                shared.work().bytesPerRead(),
                shared.work().rowsPerRead(),
                () ->
                        shared.stopped().getAsBoolean()
                                || read.isLong()
                                || shared.pace().version() != version
                                || shared.pace().isPaused());
    }
}
