package dev.millrace.change;

import java.util.Set;

/// Where a change comes from on the source. For people and lag; order is the log's alone.
///
/// @param lsn position of the change in the WAL; zero for a row read outside the stream
/// @param transaction the transaction's id on the source, as the stream gives it: without its
///   epoch; zero for a row read outside the stream
/// @param committedAtMicros commit time by the source's clock, microseconds since 1970; zero when
///   not known
public record Origin(Lsn lsn, long transaction, long committedAtMicros) {

    public static final Origin NONE = new Origin(Lsn.ZERO, 0, 0);

    private static final long WITHOUT_EPOCH = 0xFFFF_FFFFL;

    /// @param transaction id with epoch, as `pg_current_snapshot()` prints it
    /// @return the id by which the stream knows it
    public static long streamed(long transaction) {
        return transaction & WITHOUT_EPOCH;
    }

    /// @param transactions ids with epoch, as `pg_current_snapshot()` prints them
    public boolean isOfOne(Set<Long> transactions) {
        long own = streamed(transaction);
        return transactions.stream().anyMatch(id -> streamed(id) == own);
    }
}
