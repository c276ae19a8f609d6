package dev.millrace.apply;

import dev.millrace.change.Row;
import dev.millrace.change.RowKey;
import dev.millrace.change.RowSchema;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/// What a batch leaves to be done to one table: each key once. Every upsert of it has one schema;
/// the queue cuts a batch where a table's schema changes. For one thread.
final class TableChanges {

    private final Map<RowKey, PendingRow> states = new HashMap<>();
    private final RowSchema keySchema;
    private long firstChangesOffset = Long.MAX_VALUE;
    private long count;

    TableChanges(RowSchema schema) {
        keySchema = RowSchema.keyed(schema.table(), schema.keyColumns(), schema.keyColumns());
    }

    void upsert(Row row, long changesOffset) {
        seen(changesOffset);
        RowKey key = row.key();
        states.put(key, states.getOrDefault(key, PendingRow.UNTOUCHED).then(row));
    }

    void delete(RowKey key, long changesOffset) {
        seen(changesOffset);
        states.put(key, PendingRow.DELETED);
    }

    private void seen(long changesOffset) {
        firstChangesOffset = Math.min(firstChangesOffset, changesOffset);
        count++;
    }

    /// The schema of the key's columns alone.
    RowSchema keySchema() {
        return keySchema;
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

    private List<Row> rows(Predicate<PendingRow> wanted) {
        List<Row> rows = new ArrayList<>();
        states.entrySet().stream()
                .filter(entry -> wanted.test(entry.getValue()))
                .sorted(Map.Entry.comparingByKey(KeyOrder.INSTANCE))
                .forEach(entry -> rows.add(Objects.requireNonNull(entry.getValue().row())));
        return rows;
    }

    /// One order of keys for every writer: two transactions that meet take their row locks in the
    /// same order, and neighbours in an index come together. Whole numbers stand in their own
    /// order.
    enum KeyOrder implements Comparator<RowKey> {
        INSTANCE;

        @Override
        public int compare(RowKey left, RowKey right) {
            for (int i = 0; i < Math.min(left.size(), right.size()); i++) {
                int byValue = compare(left.value(i), right.value(i));
                if (byValue != 0) {
                    return byValue;
                }
            }
            return Integer.compare(left.size(), right.size());
        }

        private static int compare(@Nullable String left, @Nullable String right) {
            if (left == null || right == null) {
                return Boolean.compare(left == null, right == null);
            }
            boolean leftIsNumber = isWholeNumber(left);
            if (leftIsNumber != isWholeNumber(right)) {
                return leftIsNumber ? -1 : 1;
            }
            return leftIsNumber && left.length() != right.length()
                    ? Integer.compare(left.length(), right.length())
                    : left.compareTo(right);
        }

        private static boolean isWholeNumber(String text) {
            for (int i = 0; i < text.length(); i++) {
                if (text.charAt(i) < '0' || text.charAt(i) > '9') {
                    return false;
                }
            }
            return !text.isEmpty();
        }
    }

    /// What a batch leaves of one key.
    ///
    /// @param cleared the key was deleted in this batch, so nothing that the target has of it
    ///   counts
    /// @param row the cells written since; `null` when the key ends deleted
    record PendingRow(boolean cleared, @Nullable Row row) {

        static final PendingRow UNTOUCHED = new PendingRow(false, null);

        static final PendingRow DELETED = new PendingRow(true, null);

        /// The newer row's cells replace the older ones', unchanged cells keep them.
        PendingRow then(Row newer) {
            return new PendingRow(
                    cleared, row == null || !newer.isPartial() ? newer : newer.over(row));
        }
    }
}
