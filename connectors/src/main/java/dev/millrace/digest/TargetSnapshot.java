package dev.millrace.digest;

import dev.millrace.change.Row;
import dev.millrace.change.RowKey;
import dev.millrace.change.RowSchema;
import dev.millrace.control.ParkedKeys.State;
import dev.millrace.digest.StoredState.StoredPositions;
import dev.millrace.digest.TableSnapshot.Chunk;
import dev.millrace.digest.TableSnapshot.RowSum;
import dev.millrace.lifecycle.FailureClassifier;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Savepoint;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

/// The target table and the stored offsets in one snapshot. Not thread-safe.
public final class TargetSnapshot implements TableSnapshot {

    private final SnapshotReader reader;
    private final StoredState state;

    TargetSnapshot(SnapshotReader reader, StoredState state) {
        this.reader = reader;
        this.state = state;
    }

    public StoredPositions stored() {
        return reader.session().read(state::positions);
    }

    /// Why the table's changes are no longer applied; empty for a table that is not stopped.
    public Optional<String> stopped() {
        return reader.session().read(state::stopReason);
    }

    /// Why the log lacks changes of the table; empty if it has all of them.
    public Optional<String> lost() {
        return reader.session().read(state::lossReason);
    }

    /// The keys that the target's columns print, by the keys of the mapping.
    public Map<RowKey, RowKey> canonical(List<RowKey> keys) {
        List<Row> canonical = reader.canonical(rows(keys));
        Map<RowKey, RowKey> result = new LinkedHashMap<>();
        for (int i = 0; i < keys.size(); i++) {
            result.put(keys.get(i), canonical.get(i).key());
        }
        return result;
    }

    private List<Row> rows(List<RowKey> keys) {
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
        return rows;
    }

    /// The keys that were set aside, as the target's columns print them. A key that no column of
    /// the target accepts is returned as its changes contain it.
    public Map<RowKey, State> rejected() {
        return reader.session().read(this::rejected);
    }

    private Map<RowKey, State> rejected(Connection open) throws SQLException {
        Map<RowKey, State> keys = state.rejected(open);
        List<RowKey> texts = List.copyOf(keys.keySet());
        List<Row> rows = rows(texts);
        if (rows.isEmpty() || reader.table().isCanonical(rows.getFirst().schema())) {
            return keys;
        }
        Savepoint before = open.setSavepoint();
        try {
            List<Row> canonical = CanonicalRows.of(open, reader.table(), rows);
            for (int i = 0; i < texts.size(); i++) {
                keys.putIfAbsent(
                        canonical.get(i).key(), Objects.requireNonNull(keys.get(texts.get(i))));
            }
        } catch (SQLException e) {
            if (!FailureClassifier.rejectsStatement(e)) {
                throw e;
            }
            open.rollback(before);
        }
        return keys;
    }

    /// The row with the texts that the target's columns print; unchanged cells remain unchanged.
    public Row canonical(Row mapped) {
        return reader.canonical(List.of(mapped)).getFirst();
    }

    /// The same for many rows, which must have one schema.
    public List<Row> canonicalRows(List<Row> mapped) {
        return reader.canonical(mapped);
    }

    /// What one read of all rows finds.
    ///
    /// @param sums of the rows that were written lately. Without rows whose key has a NULL, which
    ///   other rows can have too; every other key is unique
    public record WrittenRows(Written<RowKey> written, Map<RowKey, RowSum> sums) {

        public WrittenRows {
            sums = Map.copyOf(sums);
        }
    }

    /// The keys and sums of the rows whose version was written since this moment, and the number of
    /// all rows. Reads the whole table once; large values only of those rows.
    ///
    /// @param most keys that are returned
    public WrittenRows writtenSince(ServerPosition since, long most) {
        return new WrittenScan(reader).ofTarget(since, most);
    }

    /// Sees a row version and who wrote it.
    public interface Writers {
        /// @param writer the lower 32 bits of a transaction's id
        void row(RowKey key, int writer);
    }

    /// Passes each row whose version was written since this moment to the visitor. Reads the whole
    /// table once, without its large values.
    public void writtenSince(ServerPosition since, Writers visitor) {
        new WrittenScan(reader).writers(since, visitor);
    }

    /// Keys that divide the table into parts of about equal size, from a sample of its pages.
    ///
    /// @param parts how many; there are fewer if the sample has fewer keys
    /// @param percent of the pages
    public List<RowKey> sampledBounds(int parts, double percent) {
        SideSql sample = reader.table().targetSample(percent);
        return reader.keys(sample.bounds(parts), KeyRange.ALL);
    }

    @Override
    public Optional<String> keyOrder() {
        return reader.keyOrder();
    }

    @Override
    public RangeSnapshot within(KeyRange range) {
        return reader.within(range);
    }

    @Override
    public TableDigest digest() {
        return reader.digest();
    }

    @Override
    public TableDigest digest(Chunk.Keys of) {
        return reader.digest(of.keys());
    }

    @Override
    public TableDigest digest(Chunk.Buckets within) {
        return reader.digest(within, TableDigest.FINE_BUCKETS);
    }

    @Override
    public long count() {
        return reader.count();
    }

    @Override
    public Map<RowKey, RowSum> sums(Chunk chunk) {
        return reader.sums(chunk);
    }

    @Override
    public Map<RowKey, Row> rows(List<RowKey> keys, long bytes) {
        return reader.rows(keys, bytes);
    }

    @Override
    public void close() {
        reader.session().close();
    }
}
