package dev.millrace.reconcile;

import dev.millrace.change.Row;
import dev.millrace.change.RowKey;
import dev.millrace.chunk.Chunk;
import dev.millrace.chunk.RowSum;
import dev.millrace.chunk.SourceSnapshot;
import java.util.List;
import java.util.Map;
import java.util.Set;

/// The source's side of a look at single keys. Cells are read of the first keys alone, in the same
/// snapshot: no more are listed, or can be decided from the log.
///
/// @param named the keys whose cells were asked for: one that has no row there is absent
record KeyRead(Map<RowKey, RowSum> sums, Map<RowKey, Row> rows, Set<RowKey> named) {

    /// @param cells of how many keys the cells are read
    static KeyRead of(SourceSnapshot source, List<RowKey> keys, int cells) {
        List<RowKey> first = keys.subList(0, Math.min(keys.size(), cells));
        return new KeyRead(source.sums(Chunk.Keys.of(keys)), source.rows(first), Set.copyOf(first));
    }
}
