package dev.millrace.backfill;

import dev.millrace.backfill.BackfillState.Fact;
import dev.millrace.backfill.Progress.LeafVersion;
import dev.millrace.change.ChangeEvent;
import dev.millrace.change.Row;
import dev.millrace.change.RowKey;
import dev.millrace.change.TableId;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/// Collects the facts of one Kafka transaction: which keys its changes leave incomplete in the log,
/// and what its windows complete. That a key needs a key window is thus written together with the
/// change that needs it, and survives a crash. Not thread-safe; confined to the capture thread.
///
/// An event that awaits a read needs a key window.
public final class ProgressBatch {

    private final BackfillState state;
    private final Map<TableId, Fact.OfTable> tables = new LinkedHashMap<>();
    private final Map<Long, Fact.OfLeaf> leaves = new LinkedHashMap<>();
    private final Map<RowKey, Boolean> keys = new LinkedHashMap<>();
    private final List<TableId> again = new ArrayList<>();

    public ProgressBatch(BackfillState state) {
        this.state = state;
    }

    /// Adds an event of the batch, in the order of the log.
    public void changed(ChangeEvent.OfRow event) {
        switch (event) {
            case ChangeEvent.Read(int _, var _, Row row) -> satisfied(row);
            case ChangeEvent.Insert(int _, var _, Row row, boolean awaitsRead) ->
                    written(row, awaitsRead);
            case ChangeEvent.Update(int _, var _, Row row, boolean awaitsRead) ->
                    written(row, awaitsRead);
            case ChangeEvent.Delete(int _, var _, Row row) -> satisfied(row);
            // A read gives no more of it.
            case ChangeEvent.Oversized oversized -> satisfied(oversized.row());
        }
    }

    private void written(Row row, boolean awaitsRead) {
        if (awaitsRead) {
            keys.put(row.key(), true);
        } else if (!row.isPartial()) {
            satisfied(row);
        }
    }

    /// Adds a table whose rows the engine's snapshot has read.
    public void complete(TableId table) {
        tables.put(table, new Fact.OfTable(table, true, true));
    }

    public boolean isComplete(TableId table) {
        Fact.OfTable inBatch = tables.get(table);
        return inBatch == null ? state.isComplete(table) : inBatch.complete();
    }

    /// Whether the key needs a key window after the events so far.
    public boolean isNeeded(RowKey key) {
        Boolean inBatch = keys.get(key);
        return inBatch == null ? state.isNeeded(key) : inBatch;
    }

    /// Limits the memory of the keys that need a key window. While there are too many, the reading
    /// of the table that has most of them begins again: its ranges contain all their rows, so the
    /// keys are forgotten. A complete table does not begin again, because its rows count as read.
    /// Nothing is read of a table before its start, so before it the keys are only forgotten.
    ///
    /// Call it after the last event of the batch and before [Windows#closing]. The open windows of
    /// the tables must be abandoned in between: they would mark a range as read into which a row of
    /// a forgotten key may have moved.
    ///
    /// @return the tables that begin again
    public List<TableId> beginAgain() {
        Map<TableId, Long> bytes = needBytes();
        while (bytes.values().stream().mapToLong(each -> each).sum() > state.maxNeedBytes()) {
            TableId largest =
                    Collections.max(bytes.entrySet(), Map.Entry.comparingByValue()).getKey();
            bytes.remove(largest);
            needNone(largest);
            if (state.isStarted(largest)) {
                beginAgain(largest);
            }
        }
        return List.copyOf(again);
    }

    private Map<TableId, Long> needBytes() {
        Map<TableId, Long> bytes = state.needBytes();
        keys.forEach(
                (key, needed) -> {
                    if (needed != state.isNeeded(key)) {
                        long size = BackfillState.size(key);
                        bytes.merge(key.table(), needed ? size : -size, Long::sum);
                    }
                });
        bytes.keySet().removeIf(this::isComplete);
        return bytes;
    }

    private void beginAgain(TableId table) {
        again.add(table);
        tables.put(table, new Fact.OfTable(table, true, false));
        for (Fact.OfLeaf leaf : state.leaves(table)) {
            leaves.put(
                    leaf.leaf().oid(), new Fact.OfLeaf(table, leaf.leaf(), TidRange.Union.NONE, 0));
        }
    }

    /// What the windows of this batch have read of the table does not count either.
    private void readAgain(TableId table) {
        leaves.values().removeIf(leaf -> leaf.table().equals(table));
        beginAgain(table);
    }

    /// Adds a TRUNCATE: no key of the table needs a row any more.
    public void truncated(TableId table) {
        needNone(table);
    }

    private void needNone(TableId table) {
        keys.keySet().removeIf(key -> key.table().equals(table));
        state.needs(table, Integer.MAX_VALUE).forEach(key -> keys.put(key, false));
    }

    /// Adds a window that is written at the end of the batch.
    public void written(Windows.Closed window) {
        // Only an event that awaits a read needs one. The row of another partial update is on the
        // target, and the window may be about other rows.
        List<RowKey> still = window.needed().stream().filter(this::isNeeded).toList();
        switch (window.progress()) {
            // The engine's snapshot may have completed the table meanwhile.
            case Progress.Started(TableId table) ->
                    tables.put(table, new Fact.OfTable(table, true, isComplete(table)));
            case Progress.Complete(TableId table, long beginnings) -> {
                // The reader may not know yet that its table begins again.
                if (beginnings == state.beginnings() && !again.contains(table)) {
                    tables.put(table, new Fact.OfTable(table, true, true));
                }
            }
            case Progress.RangeRead range -> leaves.put(range.leaf().oid(), plus(range));
            case Progress.KeysRead(TableId _, Set<RowKey> asked) ->
                    asked.forEach(key -> keys.put(key, false));
            case Progress.Again(TableId table) -> readAgain(table);
            case Progress.LeavesChanged(TableId table) -> {
                again.add(table);
                tables.put(table, new Fact.OfTable(table, true, false));
            }
            // A key that awaits its read keeps the need.
            case Progress.KeysSwept _ -> {}
        }
        window.rows().forEach(this::satisfied);
        still.forEach(key -> keys.put(key, true));
    }

    private void satisfied(Row row) {
        if (!keys.isEmpty() || state.hasNeeds(row.table())) {
            RowKey key = row.key();
            if (keys.containsKey(key) || state.isNeeded(key)) {
                keys.put(key, false);
            }
        }
    }

    private Fact.OfLeaf plus(Progress.RangeRead range) {
        LeafVersion leaf = range.leaf();
        Fact.OfLeaf inBatch = leaves.get(leaf.oid());
        Fact.OfLeaf known =
                inBatch != null && inBatch.leaf().equals(leaf)
                        ? inBatch
                        : state.read(leaf)
                                .orElse(
                                        new Fact.OfLeaf(
                                                range.table(), leaf, TidRange.Union.NONE, 0));
        return new Fact.OfLeaf(
                known.table(), leaf, known.done().plus(range.range()), known.rows() + range.rows());
    }

    /// What the transaction changes, to be written in it and folded after its commit.
    public List<Fact> facts() {
        List<Fact> facts = new ArrayList<>(tables.values());
        facts.addAll(leaves.values());
        keys.forEach(
                (key, needed) -> {
                    if (needed != state.isNeeded(key)) {
                        facts.add(new Fact.OfKey(key, needed));
                    }
                });
        return facts;
    }
}
