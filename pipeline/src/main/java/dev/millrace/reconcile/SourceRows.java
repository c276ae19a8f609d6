package dev.millrace.reconcile;

import dev.millrace.change.Row;
import dev.millrace.change.RowKey;
import dev.millrace.digest.SourceSnapshot;
import dev.millrace.digest.TableSnapshot.Chunk;
import dev.millrace.digest.TableSnapshot.RowSum;
import dev.millrace.reconcile.ReconcileContext.ReconcileLimits;
import java.util.List;
import java.util.Map;
import java.util.Set;

/// The source's side of a look at single keys. Cells are read of some keys alone, in the same
/// snapshot: no more are listed, or can be decided from the log.
///
/// @param sums of every key that has a row
/// @param asked the keys whose cells were asked for
/// @param rows their cells, as far as they fit the limit
record SourceRows(Map<RowKey, RowSum> sums, Set<RowKey> asked, Map<RowKey, Row> rows) {

    /// @param keys of how many keys the cells are asked for
    static SourceRows of(
            SourceSnapshot source, List<RowKey> all, int keys, ReconcileLimits limits) {
        List<RowKey> first = all.subList(0, Math.min(all.size(), keys));
        return new SourceRows(
                source.sums(Chunk.Keys.of(all)),
                Set.copyOf(first),
                source.rows(first, limits.characters()));
    }

    /// True when the key's row was read, or is known to be absent.
    boolean isKnown(RowKey key) {
        return rows.containsKey(key) || isAbsent(key);
    }

    boolean isAbsent(RowKey key) {
        return asked.contains(key) && !sums.containsKey(key);
    }
}
