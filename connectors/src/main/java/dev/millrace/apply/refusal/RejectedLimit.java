package dev.millrace.apply.refusal;

import dev.millrace.change.TableId;
import dev.millrace.control.ParkedSize;
import java.util.Map;
import java.util.Optional;

/// How many keys of a table may wait before the table is stopped. Immutable.
///
/// @param keys of a table without an entry in `ofTables`
/// @param ofTables limits of tables
public record RejectedLimit(long keys, Map<TableId, Long> ofTables) {

    /// `rejected-limit` where the file sets none.
    public static final long KEYS = 10_000;

    /// Bytes of changes of one table. A retry reads them into memory; a key that changes all the
    /// time reaches them although it is only one.
    private static final long BYTES = 64L << 20;

    public RejectedLimit {
        ofTables = Map.copyOf(ofTables);
    }

    public static RejectedLimit standard() {
        return new RejectedLimit(KEYS, Map.of());
    }

    public long of(TableId table) {
        return ofTables.getOrDefault(table.whole(), keys);
    }

    /// Why a table of which so much waits is stopped; empty while it is within its limits.
    public Optional<String> exceeded(TableId table, ParkedSize size) {
        if (size.keys() > of(table)) {
            return Optional.of(StopReason.tooManyKeys(table, of(table)));
        }
        return size.bytes() > BYTES
                ? Optional.of(StopReason.tooManyBytes(table, BYTES))
                : Optional.empty();
    }
}
