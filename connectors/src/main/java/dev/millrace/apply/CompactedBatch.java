package dev.millrace.apply;

import dev.millrace.change.Row;
import dev.millrace.change.RowSchema;
import dev.millrace.change.TableId;
import dev.millrace.change.TargetChange;
import dev.millrace.control.RejectedChanges;
import dev.millrace.control.StoppedTables.StoppedTable;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;

/// The changes of a batch, compacted to one pending row per table and key. All batches sort their
/// tables in the same order. After a table has stopped, its changes are rejected, also those of its
/// parts. Pure. Not thread-safe.
final class CompactedBatch {

    private final SortedMap<TableId, TableChanges> tables = new TreeMap<>();
    private final List<StoppedTable> newlyStopped = new ArrayList<>();
    private final RejectedChanges rejected = new RejectedChanges();
    private final SortedSet<TableId> backfilled = new TreeSet<>();
    private final Set<TableId> stopped;
    private final int partition;

    private CompactedBatch(int partition, Set<TableId> stopped) {
        this.partition = partition;
        this.stopped = new HashSet<>(stopped);
    }

    /// @param stopped tables whose changes are no longer applied
    static CompactedBatch of(int partition, List<TargetChange> changes, Set<TableId> stopped) {
        CompactedBatch batch = new CompactedBatch(partition, stopped);
        changes.forEach(batch::add);
        return batch;
    }

    SortedMap<TableId, TableChanges> tables() {
        return tables;
    }

    /// The tables that are stopped by a change of this batch.
    List<StoppedTable> newlyStopped() {
        return newlyStopped;
    }

    /// The changes of stopped tables, which are not applied.
    RejectedChanges rejected() {
        return rejected;
    }

    /// The tables whose existing rows all precede the end of this batch in its partition.
    SortedSet<TableId> backfilled() {
        return backfilled;
    }

    /// The number of changes that are applied, before compaction.
    long changeCount() {
        return tables.values().stream().mapToLong(TableChanges::changeCount).sum();
    }

    private void add(TargetChange next) {
        switch (next) {
            case TargetChange.Upsert(var token, Row row) -> {
                if (stopped.contains(row.table().whole())) {
                    rejected.count(row.table().whole());
                } else {
                    tableOf(row.schema()).upsert(row, token.changesOffset());
                }
            }
            case TargetChange.Delete(var token, Row row) -> {
                if (stopped.contains(row.table().whole())) {
                    rejected.count(row.table().whole());
                } else {
                    tableOf(row.schema()).delete(row, token.changesOffset());
                }
            }
            case TargetChange.Rejected change -> {
                TableId table = change.target().whole();
                rejected.count(table);
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

    private TableChanges tableOf(RowSchema schema) {
        return tables.computeIfAbsent(schema.table(), _ -> new TableChanges(schema));
    }
}
