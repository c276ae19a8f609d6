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

    private final int generation;
    private final Map<TableId, Fact.OfTable> tables = new HashMap<>();
    private final Map<Long, Fact.OfLeaf> leaves = new HashMap<>();
    private final Map<TableId, Set<RowKey>> needs = new HashMap<>();

    /// The state in which nothing is read.
    public BackfillState(int generation) {
        this.generation = generation;
    }

    public int generation() {
        return generation;
    }

    /// Folds facts after they were committed.
    public synchronized void fold(List<Fact> facts) {
        for (Fact each : facts) {
            switch (each) {
                case Fact.OfTable table -> tables.put(table.table(), table);
                case Fact.OfLeaf leaf -> leaves.put(leaf.leaf().oid(), leaf);
                case Fact.OfKey(RowKey key, boolean needed) -> {
                    if (needed) {
                        needs.computeIfAbsent(key.table(), _ -> new LinkedHashSet<>()).add(key);
                    } else if (needs.containsKey(key.table())) {
                        needs.get(key.table()).remove(key);
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

    synchronized boolean hasNeeds(TableId table) {
        Set<RowKey> known = needs.get(table);
        return known != null && !known.isEmpty();
    }

    /// Keys of the table that need a key window, the oldest first.
    public synchronized List<RowKey> needs(TableId table, int limit) {
        return needs.getOrDefault(table, Set.of()).stream().limit(limit).toList();
    }
}
