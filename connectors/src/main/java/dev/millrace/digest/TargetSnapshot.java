package dev.millrace.digest;

import dev.millrace.change.Row;
import dev.millrace.change.RowKey;
import dev.millrace.change.RowSchema;
import dev.millrace.digest.StoredState.StoredPositions;
import dev.millrace.digest.TableSnapshot.Chunk;
import dev.millrace.digest.TableSnapshot.RowSum;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// The target table, and what the applier had stored in the same snapshot.
public final class TargetSnapshot implements TableSnapshot {

    private final SnapshotReader reader;
    private final StoredState state;

    TargetSnapshot(SnapshotReader reader, StoredState state) {
        this.reader = reader;
        this.state = state;
    }

    public StoredPositions stored() {
        return reader.session().ask(state::positions);
    }

    /// Why the table's changes are no longer applied, if they aren't.
    public Optional<String> stopped() {
        return reader.session().ask(state::stopReason);
    }

    /// The keys as the target's columns print them, for keys as the mapping gives them.
    public Map<RowKey, RowKey> canonical(List<RowKey> keys) {
        RowSchema target = reader.table().mapping().target();
        RowSchema schema =
                RowSchema.keyed(target.table(), target.keyColumns(), target.keyColumns());
        List<Row> rows = new ArrayList<>();
        for (RowKey key : keys) {
            Row.Builder row = new Row.Builder(schema);
            for (int i = 0; i < key.size(); i++) {
                row.text(i, key.value(i));
            }
            rows.add(row.build());
        }
        List<Row> canonical = reader.canonical(rows);
        Map<RowKey, RowKey> result = new LinkedHashMap<>();
        for (int i = 0; i < keys.size(); i++) {
            result.put(keys.get(i), canonical.get(i).key());
        }
        return result;
    }

    /// The row as the target's columns print it; unchanged cells stay unchanged.
    public Row canonical(Row mapped) {
        return reader.canonical(List.of(mapped)).getFirst();
    }

    /// The same of many rows, which share one schema.
    public List<Row> canonicalRows(List<Row> mapped) {
        return reader.canonical(mapped);
    }

    @Override
    public TableDigest digest() {
        return reader.digest();
    }

    @Override
    public TableDigest digest(Chunk.Buckets within) {
        return reader.digest(within, TableDigest.FINE_BUCKETS);
    }

    @Override
    public Map<RowKey, RowSum> sums(Chunk chunk) {
        return reader.sums(chunk);
    }

    @Override
    public Map<RowKey, Row> rows(List<RowKey> keys, long characters) {
        return reader.rows(keys, characters);
    }

    @Override
    public void close() {
        reader.session().close();
    }
}
