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
import java.util.TreeMap;

/// The changes of a batch, collapsed by table and key, tables in one global order. A table that
/// stops takes nothing from there on. Pure.
final class CompactedBatch {

    private final SortedMap<TableId, TableChanges> tables = new TreeMap<>();
    private final List<StoppedTable> newlyStopped = new ArrayList<>();
    private final RejectedChanges rejected = new RejectedChanges();
    private final Set<TableId> stopped;
    private final int partition;

    private CompactedBatch(int partition, Set<TableId> stopped) {
        this.partition = partition;
        this.stopped = new HashSet<>(stopped);
    }

    /// @param stopped tables whose changes are no longer applied
    static CompactedBatch of(int partition, List<TargetChange> changes, Set<TableId> stopped) {
        CompactedBatch collapse = new CompactedBatch(partition, stopped);
        changes.forEach(collapse::take);
        return collapse;
    }

    SortedMap<TableId, TableChanges> tables() {
        return tables;
    }

    /// Tables that a record of this batch stops.
    List<StoppedTable> newlyStopped() {
        return newlyStopped;
    }

    /// Changes of stopped tables, which are not applied.
    RejectedChanges rejected() {
        return rejected;
    }

    long count() {
        return tables.values().stream().mapToLong(TableChanges::count).sum();
    }

    private void take(TargetChange change) {
        switch (change) {
            case TargetChange.Upsert(var token, Row row) -> {
                if (stopped.contains(row.table())) {
                    rejected.count(row.table());
                } else {
                    of(row.schema()).upsert(row, token.changesOffset());
                }
            }
            case TargetChange.Delete(var token, Row row) -> {
                if (stopped.contains(row.table())) {
                    rejected.count(row.table());
                } else {
                    of(row.schema()).delete(row.key(), token.changesOffset());
                }
            }
            case TargetChange.Rejected(var token, TableId table, var _, String reason) -> {
                rejected.count(table);
                if (stopped.add(table)) {
                    newlyStopped.add(
                            new StoppedTable(table, reason, partition, token.changesOffset()));
                }
            }
            case TargetChange.Watermark _ -> {}
            case TargetChange.Truncate(var _, TableId table, long id) ->
                    throw new IllegalStateException(
                            "truncate " + id + " of " + table + " lies inside a batch");
        }
    }

    private TableChanges of(RowSchema schema) {
        return tables.computeIfAbsent(schema.table(), _ -> new TableChanges(schema));
    }
}
