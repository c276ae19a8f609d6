package dev.millrace.chunk;

import dev.millrace.change.Row;
import dev.millrace.change.RowKey;
import java.util.List;
import java.util.Map;

/// One side of a table in one snapshot: whatever is asked of it is true of the same moment. Closing
/// it closes the session, and with it every other table's snapshot of that session. Not
/// thread-safe.
public sealed interface TableSnapshot extends AutoCloseable permits SourceSnapshot, TargetSnapshot {

    /// @throws ReadFailed when the side can't be read
    TableDigest digest();

    /// The finer digest of some buckets: [TableDigest#FINE_BUCKETS].
    TableDigest digest(Chunk.Buckets within);

    /// The sum of each key's rows; a key without a row is not in it. More than one row under one
    /// key shows as its count.
    Map<RowKey, RowSum> sums(Chunk chunk);

    /// The rows of these keys, each cell in the target column's own text, as many as fit.
    ///
    /// @param characters of all cells together; a row that has more is left out
    Map<RowKey, Row> rows(List<RowKey> keys, long characters);

    @Override
    void close();
}
