package dev.millrace.change;

/// Where a change comes from on the source. For people and lag; order is the log's alone.
///
/// @param lsn position of the change in the WAL; zero for a row read outside the stream
/// @param transaction the transaction's id on the source; zero for a row read outside the stream
/// @param committedAtMicros commit time by the source's clock, microseconds since 1970; zero when
///   not known
public record Origin(Lsn lsn, long transaction, long committedAtMicros) {

    public static final Origin NONE = new Origin(Lsn.ZERO, 0, 0);
}
