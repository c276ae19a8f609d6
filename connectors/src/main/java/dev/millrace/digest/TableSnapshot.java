package dev.millrace.digest;

import dev.millrace.change.Row;
import dev.millrace.change.RowKey;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/// One side of a table in one snapshot: all reads see the same point in time. Closing it closes the
/// session, and with it the snapshots of other tables in that session. Not thread-safe.
public sealed interface TableSnapshot extends AutoCloseable permits SourceSnapshot, TargetSnapshot {

    /// @throws ReadFailed when the side cannot be read, like every method here
    TableDigest digest();

    /// The digest of the rows of some keys.
    TableDigest digest(Chunk.Keys of);

    /// The digest of some buckets with [TableDigest#FINE_BUCKETS] buckets.
    TableDigest digest(Chunk.Buckets within);

    /// The number of rows.
    long count();

    /// The name of what decides the order of the key. Two sides with equal names have the same
    /// order; empty if this is not known.
    Optional<String> keyOrder();

    /// The rows of a range of keys. Only if [ComparedTable#hasRanges] and both sides have the same
    /// [#keyOrder].
    RangeSnapshot within(KeyRange range);

    /// The sum of the rows of each key; a key without a row is absent. If a key has several rows,
    /// the sum counts them.
    Map<RowKey, RowSum> sums(Chunk chunk);

    /// The rows of these keys, as many as fit, with the texts that the target's columns print.
    ///
    /// @param bytes the limit for all cells together; a row that alone exceeds it is left out
    Map<RowKey, Row> rows(List<RowKey> keys, long bytes);

    @Override
    void close();

    /// What one read of all rows of a side finds.
    ///
    /// @param keys of rows that were written lately, as many as were asked for
    /// @param rows the number of all rows
    record Written<K>(List<K> keys, long rows) {

        public Written {
            keys = List.copyOf(keys);
        }
    }

    /// A part of a table that means the same rows on both sides.
    public sealed interface Chunk {

        /// All rows of some buckets of a digest.
        ///
        /// @param of the number of buckets of that digest
        record Buckets(int of, Set<Integer> numbers) implements Chunk {
            public Buckets {
                numbers = Set.copyOf(numbers);
            }
        }

        /// The rows of these target keys, in the texts that the target prints.
        record Keys(List<RowKey> keys) implements Chunk {
            public Keys {
                keys = List.copyOf(keys);
            }

            public static Keys of(Collection<RowKey> keys) {
                return new Keys(List.copyOf(keys));
            }
        }
    }

    /// The count of some rows, and two combinations of their 64-bit hashes that do not depend on
    /// the order of the rows. Hashes of different rows are equal with a probability of 2^-64.
    /// Different sets of rows have equal sums with this probability, unlike with an exclusive or
    /// alone, which cancels a row that occurs twice. If two rows differ, both combinations are
    /// equal with a probability of about 2^-90: they are not independent.
    ///
    /// @param first the sum of the hashes modulo 2^64
    /// @param second their exclusive or
    public record RowSum(long rows, long first, long second) {

        public static final RowSum NONE = new RowSum(0, 0, 0);

        /// The sum of one row.
        static RowSum of(long hash) {
            return new RowSum(1, hash, hash);
        }

        public RowSum plus(RowSum other) {
            return new RowSum(rows + other.rows, first + other.first, second ^ other.second);
        }

        /// This sum without some of its rows.
        public RowSum minus(RowSum other) {
            return new RowSum(rows - other.rows, first - other.first, second ^ other.second);
        }

        /// Both as 32 hexadecimal digits.
        public String checksum() {
            return String.format(Locale.ROOT, "%016x%016x", first, second);
        }
    }
}
