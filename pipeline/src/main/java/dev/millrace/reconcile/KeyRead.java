package dev.millrace.reconcile;

import dev.millrace.change.Row;
import dev.millrace.change.RowKey;
import dev.millrace.chunk.Chunk;
import dev.millrace.chunk.RowSum;
import dev.millrace.chunk.SourceSnapshot;
import java.util.List;
import java.util.Map;

/// The source's side of a look at single keys. Cells are read of the first keys alone, in the same
/// snapshot: no more are listed.
record KeyRead(Map<RowKey, RowSum> sums, Map<RowKey, Row> rows) {

    static KeyRead of(SourceSnapshot source, List<RowKey> keys) {
        List<RowKey> first = keys.subList(0, Math.min(keys.size(), ReconciliationReport.LISTED));
        return new KeyRead(source.sums(Chunk.Keys.of(keys)), source.rows(first));
    }
}
