package dev.millrace.backfill;

import dev.millrace.backfill.Progress.LeafVersion;
import dev.millrace.change.RowKey;
import dev.millrace.change.TableId;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/// What the log contains of the backfill of one generation: the fold of all [Fact]s in the order in
/// which they were written. Facts of another generation are ignored. Thread-safe: the capture
/// thread folds, reader threads read.
public final class BackfillState {

    /// One record of the progress. A later fact replaces an earlier one of the same subject.
    public sealed interface Fact {

        /// @param started see [Progress.Started]
        /// @param complete see [Progress.Complete]
        record OfTable(TableId table, boolean started, boolean complete) implements Fact {}

        /// What is read of a leaf. A fact of another version of the leaf replaces this one.
        record OfLeaf(TableId table, LeafVersion leaf, TidRange.Union done, long rows)
                implements Fact {}

        /// Whether the log needs a key window for the key.
        record OfKey(RowKey key, boolean needed) implements Fact {}
    }

    /// Approximate bytes of a needed key here and in `IncompleteKeys`, without its text.
    private static final int NEED = 400;

    private final int generation;
    private final long maxNeedBytes;
    private final Map<TableId, Fact.OfTable> tables = new HashMap<>();
    private final Map<Long, Fact.OfLeaf> leaves = new HashMap<>();
    private final Map<TableId, Set<RowKey>> needs = new HashMap<>();
    private final Map<TableId, Long> needBytes = new HashMap<>();
    private long beginnings;

    /// The state in which nothing is read.
    ///
    /// @param maxNeedBytes memory for the keys that need a key window, of the tables that are not
    ///   complete; see [ProgressBatch#beginAgain]
    public BackfillState(int generation, long maxNeedBytes) {
        this.generation = generation;
        this.maxNeedBytes = maxNeedBytes;
    }

    public int generation() {
        return generation;
    }

    /// Folds facts after they were committed.
    public synchronized void fold(List<Fact> facts) {
        for (Fact each : facts) {
            switch (each) {
                case Fact.OfTable table -> {
                    if (isStarted(table.table()) && !table.complete()) {
                        beginnings++;
                    }
                    tables.put(table.table(), table);
                }
                case Fact.OfLeaf leaf -> leaves.put(leaf.leaf().oid(), leaf);
                case Fact.OfKey(RowKey key, boolean needed) -> {
                    Set<RowKey> known =
                            needs.computeIfAbsent(key.table(), _ -> new LinkedHashSet<>());
                    if (needed ? known.add(key) : known.remove(key)) {
                        needBytes.merge(key.table(), needed ? size(key) : -size(key), Long::sum);
                    }
                }
            }
        }
    }

    public synchronized boolean isStarted(TableId table) {
        Fact.OfTable fact = tables.get(table);
        return fact != null && fact.started();
    }

    public synchronized boolean isComplete(TableId table) {
        Fact.OfTable fact = tables.get(table);
        return fact != null && fact.complete();
    }

    /// What is read of exactly this version of a leaf.
    public synchronized Optional<Fact.OfLeaf> read(LeafVersion leaf) {
        return Optional.ofNullable(leaves.get(leaf.oid()))
                .filter(known -> known.leaf().equals(leaf));
    }

    /// The number of rows read of the table.
    public synchronized long rows(TableId table) {
        return leaves.values().stream()
                .filter(leaf -> leaf.table().equals(table))
                .mapToLong(Fact.OfLeaf::rows)
                .sum();
    }

    public synchronized boolean isNeeded(RowKey key) {
        Set<RowKey> known = needs.get(key.table());
        return known != null && known.contains(key);
    }

    /// The number of keys that need a key window, of all tables.
    public synchronized long needs() {
        return needs.values().stream().mapToLong(Set::size).sum();
    }

    long maxNeedBytes() {
        return maxNeedBytes;
    }

    /// The memory that a needed key occupies, approximately.
    static long size(RowKey key) {
        return NEED + key.bytes().length;
    }

    /// The memory that the needed keys of each table occupy, approximately.
    synchronized Map<TableId, Long> needBytes() {
        return new HashMap<>(needBytes);
    }

    /// How often the reading of a table began again. What was derived from an earlier state is void
    /// when the number changes.
    public synchronized long beginnings() {
        return beginnings;
    }

    /// What is read of the leaves of a table.
    synchronized List<Fact.OfLeaf> leaves(TableId table) {
        return leaves.values().stream().filter(leaf -> leaf.table().equals(table)).toList();
    }

    synchronized boolean hasNeeds(TableId table) {
        Set<RowKey> known = needs.get(table);
        return known != null && !known.isEmpty();
    }

    /// Keys of the table that need a key window, the oldest first.
    public synchronized List<RowKey> needs(TableId table, int limit) {
        return needs.getOrDefault(table, Set.of()).stream().limit(limit).toList();
    }
}
