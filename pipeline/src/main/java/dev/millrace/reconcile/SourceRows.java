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

/// The rows of single keys on the source, from one snapshot. The cells of only some keys are read:
/// no more keys are listed, or can be decided from the log. Immutable.
///
/// @param sums the row sums of every key that has a row
/// @param requested the keys whose cells were requested
/// @param rows the cells of these keys, as far as they fit the limit
record SourceRows(Map<RowKey, RowSum> sums, Set<RowKey> requested, Map<RowKey, Row> rows) {

    /// @param keys the number of keys whose cells are requested
    static SourceRows of(
            SourceSnapshot source, List<RowKey> all, int keys, ReconcileLimits limits) {
        List<RowKey> first = all.subList(0, Math.min(all.size(), keys));
        return new SourceRows(
                source.sums(Chunk.Keys.of(all)),
                Set.copyOf(first),
                source.rows(first, limits.bytes()));
    }

    /// True when the key's row was read or is known to be absent.
    boolean isKnown(RowKey key) {
        return rows.containsKey(key) || isAbsent(key);
    }

    boolean isAbsent(RowKey key) {
        return requested.contains(key) && !sums.containsKey(key);
    }
}
