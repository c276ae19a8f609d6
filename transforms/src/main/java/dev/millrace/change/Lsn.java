package dev.millrace.change;

/// A position in PostgreSQL's write-ahead log, in bytes, compared as unsigned. It orders the
/// commits of one timeline. It does not order changes: the changes of concurrent transactions
/// interleave, and the rows of one COPY share one position. Changes are ordered by offsets in the
/// log and by watermark numbers. Immutable.
public record Lsn(long value) implements Comparable<Lsn> {

    public static final Lsn ZERO = new Lsn(0);

    /// Parses PostgreSQL's format, `16/B374D848`.
    public static Lsn parse(String text) {
        int slash = text.indexOf('/');
        if (slash <= 0) {
            throw new IllegalArgumentException("not a WAL position: '" + text + "'");
        }
        long high = Long.parseLong(text.substring(0, slash), 16);
        long low = Long.parseLong(text.substring(slash + 1), 16);
        return new Lsn(high << 32 | low);
    }

    @Override
    public int compareTo(Lsn other) {
        return Long.compareUnsigned(value, other.value);
    }

    @Override
    public String toString() {
        return Long.toHexString(value >>> 32).toUpperCase(java.util.Locale.ROOT)
                + "/"
                + Long.toHexString(value & 0xFFFF_FFFFL).toUpperCase(java.util.Locale.ROOT);
    }
}
