package dev.millrace.digest;

import dev.millrace.change.Row;
import dev.millrace.change.RowKey;
import dev.millrace.digest.TableSnapshot.Chunk;
import dev.millrace.digest.TableSnapshot.RowSum;
import dev.millrace.postgres.RunningTransactions;
import dev.millrace.sql.Relation;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// The expected rows: the result of the user's SELECT on the source. Not thread-safe.
public final class SourceSnapshot implements TableSnapshot {

    private final SnapshotReader reader;

    SourceSnapshot(SnapshotReader reader) {
        this.reader = reader;
    }

    /// The transactions that had begun but whose changes this snapshot does not show.
    public RunningTransactions running() {
        return reader.session().running();
    }

    /// The key columns of the source table's rows whose version was written since this moment, with
    /// the texts that the stream sends, and the number of rows that the SELECT gives. Reads the
    /// whole table once, without its large values, and a second time if the SELECT leaves out rows.
    ///
    /// @param source the mapping's source table
    /// @param most rows that are returned
    public Written<Row> writtenSince(ServerPosition since, Relation source, long most) {
        return new WrittenScan(reader).ofSource(since, source, most);
    }

    /// Whether the mapping's source table has this row.
    ///
    /// @param row all cells, with the texts that the stream sends
    public boolean hasRow(Row row) {
        return reader.hasRow(row);
    }

    /// Whether a row that the SELECT gives has a NULL in its key. Such a row is in no range.
    public boolean hasNullKey() {
        return reader.hasNullKey();
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
