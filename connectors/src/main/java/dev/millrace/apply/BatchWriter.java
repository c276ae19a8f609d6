package dev.millrace.apply;

import dev.millrace.apply.copy.DirectCopy;
import dev.millrace.apply.origin.ReplicaRole;
import dev.millrace.apply.origin.SessionOrigin;
import dev.millrace.apply.refusal.KeyRequest;
import dev.millrace.apply.refusal.RejectedLimit;
import dev.millrace.apply.refusal.RowRefusal;
import dev.millrace.apply.refusal.StopReason;
import dev.millrace.apply.refusal.TableStop;
import dev.millrace.apply.rows.CompactedBatch;
import dev.millrace.apply.rows.RowWriter;
import dev.millrace.apply.rows.TableChanges;
import dev.millrace.apply.shape.TargetShape;
import dev.millrace.apply.shape.TargetShape.Waiting;
import dev.millrace.apply.sql.TableRule;
import dev.millrace.apply.task.OffsetLock;
import dev.millrace.apply.task.TargetTask;
import dev.millrace.apply.task.TargetTask.KeyWork;
import dev.millrace.apply.task.TargetTask.PartitionBatch;
import dev.millrace.apply.task.TargetTask.TruncateHold;
import dev.millrace.apply.task.WriteOutcome;
import dev.millrace.change.TableId;
import dev.millrace.change.Token;
import dev.millrace.control.AppliedOffsets;
import dev.millrace.control.BackfilledTables;
import dev.millrace.control.ParkedKeys;
import dev.millrace.control.StoredOffset;
import dev.millrace.control.StoredOffsets;
import dev.millrace.control.stopped.MissedChanges.Missed;
import dev.millrace.control.stopped.RejectedChanges;
import dev.millrace.control.stopped.StoppedTables;
import dev.millrace.control.stopped.StoppedTables.StoppedTable;
import dev.millrace.lifecycle.PausePoint;
import dev.millrace.postgres.Session.SilenceLimit;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/// Runs tasks through one session. Each is one transaction that locks the partition's stored offset
/// first. A batch whose COMMIT got no reply is therefore settled by running it again: a stored
/// offset after the batch means that it committed, one before it that it did not. Not thread-safe,
/// except [#abort].
final class BatchWriter implements AutoCloseable {
    /// The statements of a transaction before its commit.
    @FunctionalInterface
    private interface Work {
        WriteOutcome run() throws SQLException, TableStop, RowRefusal;
    }

    /// Short statements that write nothing.
    @FunctionalInterface
    private interface Reading {
        WriteOutcome run() throws SQLException;
    }

    private final TargetSession session;
    private final Connection connection;
    private final String migration;
    private final StoredOffsets offsets;
    private final StoppedTables stoppedTables;
    private final BackfilledTables backfilled;
    private final OffsetLock lock;
    private final RowWriter rows;
    private final ParkedKeys parkedKeys;
    private final KeyParking.Setup parking;
    private final MissedWriter missed;

    /// @param topic the name of the target topic
    BatchWriter(
            TargetSession session,
            String migration,
            String topic,
            Map<TableId, TableRule> rules,
            RejectedLimit limit) {
        this(session, new StoredOffsets(migration, topic), migration, rules, limit);
    }

    BatchWriter(
            TargetSession session,
            StoredOffsets offsets,
            String migration,
            Map<TableId, TableRule> rules,
            RejectedLimit limit) {
        this.session = session;
        this.migration = migration;
        connection = session.connection();
        this.offsets = offsets;
        stoppedTables = new StoppedTables(migration);
        backfilled = new BackfilledTables(migration);
        lock = new OffsetLock(connection, migration, offsets);
        rows = new RowWriter(connection, rules);
        parkedKeys = new ParkedKeys(migration);
        parking =
                new KeyParking.Setup(
                        connection, rows, parkedKeys, limit, session.role() == ReplicaRole.REPLICA);
        missed = new MissedWriter(parking, migration, offsets, stoppedTables);
    }

    /// @throws SQLException when the transaction was rolled back, or when its COMMIT got no reply
    WriteOutcome run(TargetTask task) throws SQLException {
        try (var _ = session.begin()) {
            return switch (task) {
                case PartitionBatch batch -> write(batch);
                case TruncateHold hold -> write(hold);
                case TargetTask.MissedBatch batch -> write(batch);
                case TargetTask.MissedTruncate truncate -> write(truncate);
                case KeyWork work -> write(work);
                case TargetTask.ReadOffsets _ -> shortly(this::read);
                case TargetTask.ReadShapes(int generation) -> shortly(() -> shapes(generation));
            };
        }
    }

    private WriteOutcome shortly(Reading reading) throws SQLException {
        try (var _ = SilenceLimit.ofShortStatement(connection)) {
            return reading.run();
        }
    }

    private WriteOutcome read() throws SQLException {
        AppliedOffsets applied = offsets.readPassed(connection);
        Map<Integer, Long> judgements =
                applied.generation().isPresent()
                        ? parkedKeys.judgements(connection, applied.generation().getAsInt())
                        : Map.of();
        Map<Integer, Missed> continuing =
                applied.generation().isPresent()
                        ? missed.continuing(applied.generation().getAsInt())
                        : Map.of();
        connection.rollback();
        return new WriteOutcome.Read(applied, judgements, continuing);
    }

    private WriteOutcome shapes(int generation) throws SQLException {
        Map<TableId, Waiting> waiting = TargetShape.waiting(connection, migration, generation);
        connection.rollback();
        return new WriteOutcome.Shapes(waiting);
    }

    private WriteOutcome write(PartitionBatch batch) throws SQLException {
        List<StoppedTable> stops = new ArrayList<>();
        Set<TableId> refusing = new HashSet<>();
        while (true) {
            try {
                if (batch.isOnlyOffset()) {
                    try (var _ = SilenceLimit.ofShortStatement(connection)) {
                        return transaction(() -> move(batch));
                    }
                }
                WriteOutcome outcome = transaction(() -> apply(batch, stops, refusing));
                PausePoint.AFTER_TARGET_COMMIT.pass();
                return outcome;
            } catch (TableStop stop) {
                stops.add(stopped(stop, batch.partition(), firstOffset(batch, stop.table())));
                rows.forget(stop.table());
            } catch (RowRefusal refusal) {
                refusing.add(refusal.table());
                rows.forget(refusal.table().whole());
            }
        }
    }

    private WriteOutcome write(TruncateHold hold) throws SQLException {
        List<StoppedTable> stops = new ArrayList<>();
        while (true) {
            try {
                return transaction(() -> empty(hold, stops));
            } catch (TableStop stop) {
                StoredOffset at = hold.to().getFirst();
                stops.add(stopped(stop, at.partition(), at.token().changesOffset()));
            } catch (RowRefusal refusal) {
                throw new IllegalStateException("A truncate writes no row.", refusal);
            }
        }
    }

    private WriteOutcome write(TargetTask.MissedBatch batch) throws SQLException {
        boolean alone = false;
        while (true) {
            boolean keys = alone;
            try {
                return transaction(() -> locked(List.of(batch), () -> missed.apply(batch, keys)));
            } catch (TableStop stop) {
                return stopAgain(List.of(batch), stop);
            } catch (RowRefusal refusal) {
                alone = true;
                rows.forget(refusal.table().whole());
            }
        }
    }

    private WriteOutcome write(TargetTask.MissedTruncate truncate) throws SQLException {
        try {
            return transaction(
                    () -> locked(truncate.batches(), () -> missed.empty(truncate, parkedKeys)));
        } catch (TableStop stop) {
            return stopAgain(truncate.batches(), stop);
        } catch (RowRefusal refusal) {
            throw new IllegalStateException("A truncate writes no row.", refusal);
        }
    }

    /// The table still has the cause, or another one. What it misses stays as it is.
    private WriteOutcome stopAgain(List<TargetTask.MissedBatch> batches, TableStop stop)
            throws SQLException {
        rows.forget(stop.table());
        StoredOffset at = batches.getFirst().batch().from();
        StoppedTable stopped = stopped(stop, at.partition(), at.token().changesOffset());
        try {
            return transaction(
                    () ->
                            locked(
                                    batches,
                                    () -> {
                                        stoppedTables.add(
                                                connection,
                                                at.generation(),
                                                stopped,
                                                stop.isOfShape() ? shape(stopped) : "");
                                        return new WriteOutcome.Applied(
                                                Map.of(), List.of(stopped), List.of());
                                    }));
        } catch (TableStop | RowRefusal refused) {
            throw new IllegalStateException("Only the stop is written.", refused);
        }
    }

    /// Does the work with the stored offsets of the batches locked, if what is missed begins as the
    /// batches say.
    private WriteOutcome locked(List<TargetTask.MissedBatch> batches, Work work)
            throws SQLException, TableStop, RowRefusal {
        for (TargetTask.MissedBatch batch : batches) {
            Optional<WriteOutcome> settled = lock.settled(batch.stored(), batch.stored());
            if (settled.isPresent()) {
                return settled.get();
            }
        }
        for (TargetTask.MissedBatch batch : batches) {
            Optional<WriteOutcome> settled = missed.settled(batch);
            if (settled.isPresent()) {
                return settled.get();
            }
        }
        session.origin().beginTransaction(connection);
        return work.run();
    }

    private WriteOutcome write(KeyWork work) throws SQLException {
        List<StoppedTable> stops = new ArrayList<>();
        while (true) {
            try {
                return transaction(() -> work(work, stops));
            } catch (TableStop stop) {
                StoredOffset at = work.from().getFirst();
                stops.add(stopped(stop, at.partition(), at.token().changesOffset() + 1));
                rows.forget(stop.table());
            } catch (RowRefusal refusal) {
                throw new IllegalStateException("A key was not tried alone.", refusal);
            }
        }
    }

    private WriteOutcome work(KeyWork work, List<StoppedTable> stops)
            throws SQLException, TableStop {
        for (StoredOffset at : work.from()) {
            Optional<WriteOutcome> settled = lock.settled(at, at);
            if (settled.isPresent()) {
                return settled.get();
            }
        }
        session.origin().beginTransaction(connection);
        int generation = work.from().getFirst().generation();
        Set<TableId> stopped = stopped(generation, stops);
        WriteOutcome.Worked worked =
                work.what() instanceof KeyWork.Asked(KeyRequest.Resume(TableId table))
                        ? new TableResume(parking, stoppedTables, work).run(table, stopped)
                        : KeyRetry.run(parking, work, stops, stopped);
        add(generation, stops);
        stoppedTables.endAll(connection, generation);
        // The watermark of a partition may pass the keys that were released.
        long changes =
                worked.applied().changes().values().stream().mapToLong(Long::longValue).sum();
        for (StoredOffset at : work.from()) {
            moveLocked(at, at, at == work.from().getFirst() ? changes : 0);
        }
        return worked;
    }

    private WriteOutcome move(PartitionBatch batch) throws SQLException {
        return lock.move(batch.from(), batch.to())
                ? new WriteOutcome.Applied(Map.of(), List.of(), List.of())
                : lock.settled(batch.from(), batch.to())
                        .orElseThrow(() -> movedUnderLock(batch.from()));
    }

    /// @param refusing tables that refused a row when the batch was written as a whole
    private WriteOutcome apply(
            PartitionBatch batch, List<StoppedTable> stops, Set<TableId> refusing)
            throws SQLException, TableStop, RowRefusal {
        Optional<WriteOutcome> settled = lock.settled(batch.from(), batch.to());
        if (settled.isPresent()) {
            return settled.get();
        }
        PausePoint.TARGET_BEGUN.pass();
        session.origin().beginTransaction(connection);
        int generation = batch.from().generation();
        KeyParking aside = parking.of(batch);
        CompactedBatch compacted =
                CompactedBatch.of(
                        batch.partition(),
                        batch.changes(),
                        stopped(batch, stops),
                        aside.open(),
                        rows::parksKeys);
        Set<TableId> backfilling = backfilling(batch, compacted);
        Map<TableId, Long> counts = new HashMap<>();
        for (var table : compacted.tables().entrySet()) {
            rows.deleteParts(table.getKey(), table.getValue());
        }
        for (var table : compacted.tables().entrySet()) {
            long applied = table.getValue().changeCount();
            if (refusing.contains(table.getKey())) {
                applied = aside.write(table.getKey(), table.getValue());
            } else {
                rows.write(table.getKey(), table.getValue(), backfilling.contains(table.getKey()));
            }
            counts.merge(table.getKey().whole(), applied, Long::sum);
            PausePoint.TARGET_PARTLY_WRITTEN.pass();
        }
        KeyParking.Outcome parked = aside.store(compacted);
        List<StoppedTable> newlyStopped = new ArrayList<>(stops);
        parked.tables()
                .forEach(
                        (table, cause) ->
                                newlyStopped.add(
                                        new StoppedTable(
                                                table,
                                                StopReason.stopping(table, cause),
                                                batch.partition(),
                                                batch.to().token().changesOffset() + 1)));
        add(generation, newlyStopped);
        for (StoppedTable unmapped : compacted.newlyStopped()) {
            stoppedTables.add(connection, generation, unmapped, "");
            newlyStopped.add(unmapped);
        }
        compacted.rejected().store(connection, migration, batch.from());
        for (TableId table : compacted.backfilled()) {
            backfilled.add(connection, generation, table, batch.partition());
        }
        moveLocked(
                batch.from(),
                batch.to(),
                counts.values().stream().mapToLong(Long::longValue).sum());
        PausePoint.BEFORE_TARGET_COMMIT.pass();
        return new WriteOutcome.Applied(counts, newlyStopped, parked.parked());
    }

    /// The tables whose backfill is not complete in the partition and that have so many rows in the
    /// batch that copying them straight into the table pays.
    private Set<TableId> backfilling(PartitionBatch batch, CompactedBatch compacted)
            throws SQLException {
        Set<TableId> tables = new HashSet<>();
        compacted
                .tables()
                .forEach(
                        (table, changes) -> {
                            if (changes.changeCount() >= DirectCopy.MIN_ROWS
                                    && changes.wholeRows().isPresent()) {
                                tables.add(table);
                            }
                        });
        if (!tables.isEmpty()) {
            tables.removeAll(
                    backfilled.read(connection, batch.from().generation(), batch.partition()));
        }
        return tables;
    }

    private WriteOutcome empty(TruncateHold hold, List<StoppedTable> stops)
            throws SQLException, TableStop {
        for (int i = 0; i < hold.from().size(); i++) {
            Optional<WriteOutcome> settled = lock.settled(hold.from().get(i), hold.to().get(i));
            if (settled.isPresent()) {
                return settled.get();
            }
        }
        session.origin().beginTransaction(connection);
        int generation = hold.from().getFirst().generation();
        Set<TableId> stopped = stopped(generation, stops);
        for (TableId table : hold.tables()) {
            if (!stopped.contains(table.whole())) {
                try (var _ = SilenceLimit.ofLongStatement(connection)) {
                    rows.empty(table);
                }
                parkedKeys.empty(connection, generation, table);
            }
        }
        add(generation, stops);
        stoppedTables.endAll(connection, generation);
        for (int i = 0; i < hold.from().size(); i++) {
            missed(hold, i, stopped).store(connection, migration, hold.from().get(i));
            moveLocked(hold.from().get(i), hold.to().get(i), 0);
        }
        return new WriteOutcome.Applied(Map.of(), stops, List.of());
    }

    /// The truncate is one change, and in every partition: a table that continues empties itself
    /// when all partitions have reached it again.
    private static RejectedChanges missed(TruncateHold hold, int partition, Set<TableId> stopped) {
        RejectedChanges rejected = new RejectedChanges();
        Token at = hold.to().get(partition).token();
        for (TableId table : hold.tables()) {
            if (stopped.contains(table.whole())) {
                if (partition == 0) {
                    rejected.count(table.whole(), at);
                } else {
                    rejected.place(table.whole(), at);
                }
            }
        }
        return rejected;
    }

    private Set<TableId> stopped(PartitionBatch batch, List<StoppedTable> stops)
            throws SQLException {
        Set<TableId> tables =
                stoppedTables.in(connection, batch.from().generation(), batch.partition());
        stops.forEach(stop -> tables.add(stop.table()));
        return tables;
    }

    private Set<TableId> stopped(int generation, List<StoppedTable> stops) throws SQLException {
        Set<TableId> tables = stoppedTables.in(connection, generation);
        stops.forEach(stop -> tables.add(stop.table()));
        return tables;
    }

    private void add(int generation, List<StoppedTable> stops) throws SQLException {
        for (StoppedTable stop : stops) {
            stoppedTables.add(connection, generation, stop, shape(stop));
        }
    }

    private String shape(StoppedTable stop) throws SQLException {
        return TargetShape.read(connection, stop.table());
    }

    private void moveLocked(StoredOffset from, StoredOffset to, long changes) throws SQLException {
        if (!offsets.move(connection, from, to, changes)) {
            throw movedUnderLock(from);
        }
    }

    private WriteOutcome transaction(Work work) throws SQLException, TableStop, RowRefusal {
        boolean committed = false;
        try {
            WriteOutcome outcome = work.run();
            connection.commit();
            committed = true;
            return outcome;
        } finally {
            rows.ended(committed);
            if (!committed) {
                rollback();
            }
        }
    }

    private void rollback() {
        try {
            connection.rollback();
        } catch (SQLException _) {
            session.close();
        }
    }

    private long firstOffset(PartitionBatch batch, TableId table) {
        return CompactedBatch.of(
                        batch.partition(), batch.changes(), Set.of(), Set.of(), rows::parksKeys)
                .tables()
                .values()
                .stream()
                .filter(changes -> changes.keySchema().table().whole().equals(table))
                .mapToLong(TableChanges::firstChangesOffset)
                .min()
                .orElse(batch.to().token().changesOffset());
    }

    private static StoppedTable stopped(TableStop stop, int partition, long changesOffset) {
        return new StoppedTable(stop.table(), stop.reason(), partition, changesOffset);
    }

    private static IllegalStateException movedUnderLock(StoredOffset from) {
        return new IllegalStateException(
                "The stored offset of partition "
                        + from.partition()
                        + " moved although it was locked.");
    }

    boolean isClosed() throws SQLException {
        return connection.isClosed();
    }

    Connection connection() {
        return connection;
    }

    SessionOrigin origin() {
        return session.origin();
    }

    /// Aborts the current statement, from another thread.
    void abort() {
        session.abort();
    }

    @Override
    public void close() {
        session.close();
    }
}
