package dev.millrace.chunk;

import java.util.Locale;

/// The count of some rows and two sums of their hashes, each under a seed of its own, modulo 2^64.
/// Sums don't depend on the order of the rows, and unlike an exclusive or they don't cancel a row
/// that is there twice. Rows that differ have equal sums with a chance of 2^-128.
public record RowSum(long rows, long first, long second) {

    public static final RowSum NONE = new RowSum(0, 0, 0);

    public RowSum plus(RowSum other) {
        return new RowSum(rows + other.rows, first + other.first, second + other.second);
    }

    /// 32 hexadecimal digits: both sums.
    public String checksum() {
        return String.format(Locale.ROOT, "%016x%016x", first, second);
    }
}
