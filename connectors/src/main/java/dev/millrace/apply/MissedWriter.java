package dev.millrace.apply;

import dev.millrace.apply.refusal.RowRefusal;
import dev.millrace.apply.refusal.TableStop;
import dev.millrace.apply.rows.CompactedBatch;
import dev.millrace.apply.rows.RowWriter;
import dev.millrace.apply.task.TargetTask.MissedBatch;
import dev.millrace.apply.task.TargetTask.MissedTruncate;
import dev.millrace.apply.task.TargetTask.PartitionBatch;
import dev.millrace.apply.task.WriteOutcome;
import dev.millrace.change.TableId;
import dev.millrace.control.ParkedKeys;
import dev.millrace.control.StoredOffset;
import dev.millrace.control.StoredOffsets;
import dev.millrace.control.stopped.MissedChanges;
import dev.millrace.control.stopped.MissedChanges.Missed;
import dev.millrace.control.stopped.StoppedTables;
import dev.millrace.control.stopped.StoppedTables.StoppedTable;
import dev.millrace.postgres.Session.SilenceLimit;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/// Applies what a stopped table has missed, in transactions that have the partition's stored offset
/// locked. The offset stays where it is: later changes wait until the partition has nothing to
/// catch up. Not thread-safe; confined to the session's thread.
final class MissedWriter {

    private final KeyParking.Setup parking;
    private final Connection connection;
    private final RowWriter rows;
    private final StoredOffsets offsets;
    private final StoppedTables stoppedTables;
    private final MissedChanges missedChanges;

    MissedWriter(
            KeyParking.Setup parking,
            String migration,
            StoredOffsets offsets,
            StoppedTables stoppedTables) {
        this.parking = parking;
        this.connection = parking.connection();
        this.rows = parking.rows();
        this.offsets = offsets;
        this.stoppedTables = stoppedTables;
        this.missedChanges = new MissedChanges(migration);
    }

    Map<Integer, Missed> continuing(int generation) throws SQLException {
        return missedChanges.continuing(connection, generation);
    }

    /// Whether an earlier attempt has committed the batch, or another process something else.
    ///
    /// @return empty when the batch is to be applied now
    Optional<WriteOutcome> settled(MissedBatch batch) throws SQLException {
        Missed expected = batch.missed();
        int partition = expected.partition();
        Optional<Missed> found =
                missedChanges.find(
                        connection, expected.after().generation(), expected.table(), partition);
        if (found.equals(Optional.of(expected))) {
            return Optional.empty();
        }
        Optional<Missed> after =
                batch.isLast() ? Optional.empty() : Optional.of(expected.from(batch.batch().to()));
        return Optional.of(
                found.equals(after)
                        ? new WriteOutcome.AppliedBefore()
                        : new WriteOutcome.Lost(partition, Optional.of(batch.stored())));
    }

    /// @param alone whether keys that the table refuses are searched and set aside
    WriteOutcome apply(MissedBatch missed, boolean alone)
            throws SQLException, TableStop, RowRefusal {
        PartitionBatch batch = missed.batch();
        TableId table = missed.missed().table();
        KeyParking aside = parking.of(batch);
        CompactedBatch compacted =
                CompactedBatch.of(
                        batch.partition(),
                        batch.changes(),
                        Set.of(),
                        aside.open(),
                        rows::parksKeys);
        Optional<StoppedTable> unmapped = compacted.newlyStopped().stream().findFirst();
        if (unmapped.isPresent()) {
            throw TableStop.unmapped(table, unmapped.get().reason());
        }
        for (var each : compacted.tables().entrySet()) {
            rows.deleteParts(each.getKey(), each.getValue());
        }
        long applied = 0;
        for (var each : compacted.tables().entrySet()) {
            if (alone) {
                applied += aside.write(each.getKey(), each.getValue());
            } else {
                rows.write(each.getKey(), each.getValue(), false);
                applied += each.getValue().changeCount();
            }
        }
        KeyParking.Outcome parked = aside.store(compacted);
        Optional<String> exceeded = parked.tables().values().stream().findFirst();
        if (exceeded.isPresent()) {
            throw new TableStop(table, exceeded.get());
        }
        passed(missed, batch.changes().size());
        require(offsets.move(connection, missed.stored(), missed.stored(), applied));
        return new WriteOutcome.Applied(Map.of(table, applied), List.of(), parked.parked());
    }

    /// Empties the table, in the transaction that moves all partitions past the truncate.
    WriteOutcome empty(MissedTruncate truncate, ParkedKeys parkedKeys)
            throws SQLException, TableStop {
        MissedBatch first = truncate.batches().getFirst();
        for (TableId table : truncate.tables()) {
            try (var _ = SilenceLimit.ofLongStatement(connection)) {
                rows.empty(table);
            }
            parkedKeys.empty(connection, first.stored().generation(), table);
        }
        for (MissedBatch batch : truncate.batches()) {
            passed(batch, batch == first ? 1 : 0);
            // The watermark of a partition may pass the keys that waited.
            require(offsets.move(connection, batch.stored(), batch.stored(), 0));
        }
        return new WriteOutcome.Applied(Map.of(), List.of(), List.of());
    }

    private void passed(MissedBatch batch, long changes) throws SQLException {
        StoredOffset to = batch.batch().to();
        Missed missed = batch.missed();
        if (!batch.isLast()) {
            missedChanges.move(connection, missed.from(to), changes);
            return;
        }
        stoppedTables.lock(connection, to.generation(), missed.table());
        missedChanges.remove(connection, to.generation(), missed.table(), missed.partition());
        stoppedTables.end(connection, to.generation(), missed.table());
    }

    private static void require(boolean moved) {
        if (!moved) {
            throw new IllegalStateException("The stored offset moved although it was locked.");
        }
    }
}
