package dev.millrace.target;

import dev.millrace.change.Row;
import dev.millrace.change.RowKey;
import dev.millrace.change.Shape;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Predicate;

/// What a batch leaves to be done to one table: each key once. Every upsert of it has one shape;
/// the queue cuts a batch where a table's shape changes. For one thread.
final class TableChanges {

    private final Map<RowKey, KeyState> states = new HashMap<>();
    private final Shape keyShape;
    private long firstChangesOffset = Long.MAX_VALUE;
    private long count;

    TableChanges(Shape shape) {
        keyShape = Shape.keyed(shape.table(), shape.keyColumns(), shape.keyColumns());
    }

    void upsert(Row row, long changesOffset) {
        seen(changesOffset);
        RowKey key = row.key();
        states.put(key, states.getOrDefault(key, KeyState.UNTOUCHED).then(row));
    }

    void delete(RowKey key, long changesOffset) {
        seen(changesOffset);
        states.put(key, KeyState.DELETED);
    }

    private void seen(long changesOffset) {
        firstChangesOffset = Math.min(firstChangesOffset, changesOffset);
        count++;
    }

    /// The shape of the key's columns alone.
    Shape keyShape() {
        return keyShape;
    }

    /// Changes taken in, before they collapsed.
    long count() {
        return count;
    }

    long firstChangesOffset() {
        return firstChangesOffset;
    }

    /// Keys whose row must go before anything is written, sorted; some of them are written anew.
    List<RowKey> cleared() {
        return states.entrySet().stream()
                .filter(entry -> entry.getValue().cleared())
                .map(Map.Entry::getKey)
                .sorted(KeyOrder.INSTANCE)
                .toList();
    }

    /// Rows with every cell, sorted by key.
    List<Row> complete() {
        return rows(state -> state.row() != null && !state.row().isPartial());
    }

    /// Rows that still lack cells and rely on the target's, sorted by key.
    List<Row> partial() {
        return rows(state -> state.row() != null && state.row().isPartial());
    }

    /// True when a row relies on cells that this batch has itself deleted.
    boolean lacksPast() {
        return states.values().stream()
                .anyMatch(
                        state -> state.cleared() && state.row() != null && state.row().isPartial());
    }

    private List<Row> rows(Predicate<KeyState> wanted) {
        List<Row> rows = new ArrayList<>();
        states.entrySet().stream()
                .filter(entry -> wanted.test(entry.getValue()))
                .sorted(Map.Entry.comparingByKey(KeyOrder.INSTANCE))
                .forEach(entry -> rows.add(Objects.requireNonNull(entry.getValue().row())));
        return rows;
    }
}
