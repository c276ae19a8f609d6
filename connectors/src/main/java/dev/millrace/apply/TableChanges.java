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

/// The changes of one table in a batch, compacted to one [PendingRow] per key. All upserts have one
/// schema: [PartitionProgress] ends a batch where a table's schema changes. Not thread-safe.
final class TableChanges {

    private final Map<RowKey, PendingRow> pending = new HashMap<>();
    private final RowSchema keySchema;
    private long firstChangesOffset = Long.MAX_VALUE;
    private long changeCount;

    TableChanges(RowSchema schema) {
        keySchema = RowSchema.keyed(schema.table(), schema.keyColumns(), schema.keyColumns());
    }

    void upsert(Row row, long changesOffset) {
        count(changesOffset);
        RowKey key = row.key();
        pending.put(key, pending.getOrDefault(key, PendingRow.NONE).then(row));
    }

    void delete(RowKey key, long changesOffset) {
        count(changesOffset);
        pending.put(key, PendingRow.DELETED);
    }

    private void count(long changesOffset) {
        firstChangesOffset = Math.min(firstChangesOffset, changesOffset);
        changeCount++;
    }

    /// The schema of the key's columns only.
    RowSchema keySchema() {
        return keySchema;
    }

    /// The number of changes before compaction.
    long changeCount() {
        return changeCount;
    }

    /// The lowest offset in the changes topic.
    long firstChangesOffset() {
        return firstChangesOffset;
    }

    /// The keys whose rows are deleted before other rows are written, sorted. Some of them are
    /// inserted again.
    List<RowKey> deletes() {
        return pending.entrySet().stream()
                .filter(entry -> entry.getValue().deleted())
                .map(Map.Entry::getKey)
                .sorted(KeyOrder.INSTANCE)
                .toList();
    }

    /// The rows with all cells, sorted by key.
    List<Row> upserts() {
        return rows(state -> state.row() != null && !state.row().isPartial());
    }

    /// The rows with unchanged cells, which keep the target's values; sorted by key.
    List<Row> updates() {
        return rows(PendingRow::isPartial);
    }

    /// Whether a row has unchanged cells although this batch deletes the target's row before.
    boolean needsDeletedCells() {
        return pending.values().stream().anyMatch(state -> state.deleted() && state.isPartial());
    }

    private List<Row> rows(Predicate<PendingRow> wanted) {
        List<Row> rows = new ArrayList<>();
        pending.entrySet().stream()
                .filter(entry -> wanted.test(entry.getValue()))
                .sorted(Map.Entry.comparingByKey(KeyOrder.INSTANCE))
                .forEach(entry -> rows.add(Objects.requireNonNull(entry.getValue().row())));
        return rows;
    }

    /// The order of keys for all writers: concurrent transactions take their row locks in the same
    /// order, and neighbours in an index are written together. Whole numbers have their numeric
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

    /// What remains to be done for one key.
    ///
    /// @param deleted whether the batch deletes the key, so that the target's cells are not used
    /// @param row the cells written after that; `null` when the key remains deleted
    record PendingRow(boolean deleted, @Nullable Row row) {

        static final PendingRow NONE = new PendingRow(false, null);

        static final PendingRow DELETED = new PendingRow(true, null);

        boolean isPartial() {
            return row != null && row.isPartial();
        }

        /// The cells of the newer row replace the older cells; unchanged cells keep them.
        PendingRow then(Row newer) {
            return new PendingRow(
                    deleted, row == null || !newer.isPartial() ? newer : newer.over(row));
        }
    }
}
