package dev.millrace.apply.rows;

import dev.millrace.change.Row;
import dev.millrace.change.RowKey;
import dev.millrace.change.RowSchema;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/// The changes of one table in a batch. They are compacted to one [PendingRow] per key when they
/// are asked for: rows that are only inserted need no map of keys. All upserts have one schema:
/// [PartitionProgress] ends a batch where a table's schema changes. Not thread-safe.
public final class TableChanges {

    private final RowSchema keySchema;

    /// In the order of the log.
    private final List<Row> rows = new ArrayList<>();

    private final BitSet deletes = new BitSet();
    private @Nullable Map<RowKey, PendingRow> compacted;

    /// Where the changes of each key are, ascending. Only the search for refused keys needs it.
    private @Nullable Map<RowKey, List<Integer>> places;

    private boolean hasPartialRow;
    private long firstChangesOffset = Long.MAX_VALUE;

    public TableChanges(RowSchema schema) {
        keySchema = RowSchema.keyed(schema.table(), schema.keyColumns(), schema.keyColumns());
    }

    public void upsert(Row row, long changesOffset) {
        hasPartialRow |= row.isPartial();
        add(row, changesOffset);
    }

    /// @param key a row of the key's columns
    public void delete(Row key, long changesOffset) {
        deletes.set(rows.size());
        add(key, changesOffset);
    }

    private void add(Row row, long changesOffset) {
        firstChangesOffset = Math.min(firstChangesOffset, changesOffset);
        rows.add(row);
        compacted = null;
        places = null;
    }

    /// The changes of some keys only.
    public TableChanges of(Set<RowKey> keys) {
        Map<RowKey, List<Integer>> known = places();
        TableChanges chosen = new TableChanges(keySchema);
        keys.stream()
                .flatMap(key -> known.getOrDefault(key, List.of()).stream())
                .sorted()
                .forEach(
                        i -> {
                            if (deletes.get(i)) {
                                chosen.delete(rows.get(i), firstChangesOffset);
                            } else {
                                chosen.upsert(rows.get(i), firstChangesOffset);
                            }
                        });
        return chosen;
    }

    private Map<RowKey, List<Integer>> places() {
        Map<RowKey, List<Integer>> known = places;
        if (known == null) {
            known = HashMap.newHashMap(rows.size());
            for (int i = 0; i < rows.size(); i++) {
                known.computeIfAbsent(rows.get(i).key(), _ -> new ArrayList<>(1)).add(i);
            }
            places = known;
        }
        return known;
    }

    /// The keys of all changes, sorted.
    public List<RowKey> keys() {
        return sorted(_ -> true).stream().map(Sortable::key).toList();
    }

    /// The schema of the key's columns only.
    public RowSchema keySchema() {
        return keySchema;
    }

    /// The number of changes before compaction.
    public long changeCount() {
        return rows.size();
    }

    /// The lowest offset in the changes topic.
    public long firstChangesOffset() {
        return firstChangesOffset;
    }

    /// All rows in the order of the log, when the changes are nothing but rows with all cells. A
    /// key may occur twice.
    public Optional<List<Row>> wholeRows() {
        return hasPartialRow || !deletes.isEmpty() ? Optional.empty() : Optional.of(rows);
    }

    /// The keys whose rows are deleted before other rows are written, sorted. Some of them are
    /// inserted again.
    public List<RowKey> deletes() {
        return deletes.isEmpty()
                ? List.of()
                : sorted(PendingRow::deleted).stream().map(Sortable::key).toList();
    }

    /// The rows with all cells, sorted by key.
    public List<Row> upserts() {
        return rows(state -> state.row() != null && !state.row().isPartial());
    }

    /// The rows with unchanged cells, which keep the target's values; sorted by key.
    public List<Row> updates() {
        return hasPartialRow ? rows(PendingRow::isPartial) : List.of();
    }

    /// Whether a row has unchanged cells although this batch deletes the target's row before.
    public boolean needsDeletedCells() {
        return hasPartialRow
                && !deletes.isEmpty()
                && compacted().values().stream()
                        .anyMatch(state -> state.deleted() && state.isPartial());
    }

    private List<Row> rows(Predicate<PendingRow> wanted) {
        return sorted(wanted).stream()
                .map(each -> Objects.requireNonNull(each.state().row()))
                .toList();
    }

    /// All writers sort their keys in the same order: concurrent transactions take their row locks
    /// in that order, and neighbours in an index are written together.
    private List<Sortable> sorted(Predicate<PendingRow> wanted) {
        List<Sortable> sorted = new ArrayList<>(compacted().size());
        compacted()
                .forEach(
                        (key, state) -> {
                            if (wanted.test(state)) {
                                sorted.add(new Sortable(key.orderPrefix(), key, state));
                            }
                        });
        sorted.sort(Sortable.ORDER);
        return sorted;
    }

    /// A key with the part of its order that is compared first.
    private record Sortable(long prefix, RowKey key, PendingRow state) {

        private static final Comparator<Sortable> ORDER =
                (left, right) ->
                        left.prefix == right.prefix
                                ? RowKey.ORDER.compare(left.key, right.key)
                                : Long.compare(left.prefix, right.prefix);
    }

    private Map<RowKey, PendingRow> compacted() {
        Map<RowKey, PendingRow> known = compacted;
        if (known == null) {
            known = HashMap.newHashMap(rows.size());
            for (int i = 0; i < rows.size(); i++) {
                Row row = rows.get(i);
                RowKey key = row.key();
                known.put(
                        key,
                        deletes.get(i)
                                ? PendingRow.DELETED
                                : known.getOrDefault(key, PendingRow.NONE).then(row));
            }
            compacted = known;
        }
        return known;
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
