package dev.millrace.apply.rows;

import dev.millrace.change.Row;
import dev.millrace.change.RowKey;
import dev.millrace.change.RowSchema;
import dev.millrace.change.TableId;
import dev.millrace.change.TargetChange;
import dev.millrace.change.Token;
import dev.millrace.control.stopped.RejectedChanges;
import dev.millrace.control.stopped.StoppedTables.StoppedTable;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Predicate;

/// The changes of a batch, compacted to one pending row per table and key. All batches sort their
/// tables in the same order. After a table has stopped, its changes are rejected, also those of its
/// parts. The changes of a parked key wait, from the first on that could not be mapped. Pure. Not
/// thread-safe.
public final class CompactedBatch {

    private final SortedMap<TableId, TableChanges> tables = new TreeMap<>();
    private final List<StoppedTable> newlyStopped = new ArrayList<>();
    private final RejectedChanges rejected = new RejectedChanges();
    private final SortedSet<TableId> backfilled = new TreeSet<>();
    private final Set<TableId> stopped;
    private final Set<RowKey> parked;
    private final Predicate<TableId> parksKeys;
    private final int partition;

    private CompactedBatch(
            int partition, Set<TableId> stopped, Set<RowKey> parked, Predicate<TableId> parksKeys) {
        this.partition = partition;
        this.stopped = new HashSet<>(stopped);
        this.parked = new HashSet<>(parked);
        this.parksKeys = parksKeys;
    }

    /// @param stopped tables whose changes are no longer applied
    /// @param parked keys whose changes wait
    /// @param parksKeys whether a single key of a table can be parked
    public static CompactedBatch of(
            int partition,
            List<TargetChange> changes,
            Set<TableId> stopped,
            Set<RowKey> parked,
            Predicate<TableId> parksKeys) {
        CompactedBatch batch = new CompactedBatch(partition, stopped, parked, parksKeys);
        changes.forEach(batch::add);
        return batch;
    }

    public SortedMap<TableId, TableChanges> tables() {
        return tables;
    }

    /// The tables that are stopped by a change of this batch.
    public List<StoppedTable> newlyStopped() {
        return newlyStopped;
    }

    /// Whether the changes of the table are not applied, after this batch.
    public boolean isStopped(TableId table) {
        return stopped.contains(table.whole());
    }

    /// The changes of stopped tables, which are not applied.
    public RejectedChanges rejected() {
        return rejected;
    }

    /// The tables whose existing rows all precede the end of this batch in its partition.
    public SortedSet<TableId> backfilled() {
        return backfilled;
    }

    /// The number of changes that are applied, before compaction.
    public long changeCount() {
        return tables.values().stream().mapToLong(TableChanges::changeCount).sum();
    }

    private void add(TargetChange next) {
        switch (next) {
            case TargetChange.Upsert(var token, Row row) -> {
                if (isApplied(row, token)) {
                    tableOf(row.schema()).upsert(row, token.changesOffset());
                }
            }
            case TargetChange.Delete(var token, Row row) -> {
                if (isApplied(row, token)) {
                    tableOf(row.schema()).delete(row, token.changesOffset());
                }
            }
            case TargetChange.Rejected change -> {
                TableId table = change.target().whole();
                if (change.targetKey().isPresent()
                        && parksKeys.test(change.target())
                        && !stopped.contains(table)) {
                    parked.add(change.targetKey().get().key());
                    return;
                }
                rejected.count(table, change.token());
                if (stopped.add(table)) {
                    newlyStopped.add(
                            new StoppedTable(
                                    table,
                                    change.reason(),
                                    partition,
                                    change.token().changesOffset()));
                }
            }
            case TargetChange.BackfillComplete(var _, List<TableId> tables) ->
                    tables.forEach(table -> backfilled.add(table.whole()));
            case TargetChange.Watermark _ -> {}
            case TargetChange.Truncate(var _, List<TableId> tables, long id) ->
                    throw new IllegalStateException(
                            "Truncate " + id + " of " + tables + " is inside a batch.");
        }
    }

    private boolean isApplied(Row row, Token token) {
        if (stopped.contains(row.table().whole())) {
            rejected.count(row.table().whole(), token);
            return false;
        }
        return parked.isEmpty() || !parked.contains(row.key());
    }

    private TableChanges tableOf(RowSchema schema) {
        return tables.computeIfAbsent(schema.table(), _ -> new TableChanges(schema));
    }
}
