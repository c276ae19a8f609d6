package dev.millrace.log;

/// Offsets of one partition, `from` inclusive, `to` exclusive. Not every offset in it is a record:
/// transaction markers take offsets too.
public record OffsetRange(long from, long to) {

    public boolean isEmpty() {
        return to <= from;
    }
}
