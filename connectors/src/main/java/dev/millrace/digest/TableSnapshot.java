package dev.millrace.digest;

import dev.millrace.change.Row;
import dev.millrace.change.RowKey;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

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

    /// Some rows of a table, named so that both sides mean the same ones.
    public sealed interface Chunk {

        /// Whole buckets of a digest.
        ///
        /// @param of how many buckets it has
        record Buckets(int of, Set<Integer> numbers) implements Chunk {
            public Buckets {
                numbers = Set.copyOf(numbers);
            }
        }

        /// The rows of these target keys, in the target's texts.
        record Keys(List<RowKey> keys) implements Chunk {
            public Keys {
                keys = List.copyOf(keys);
            }

            public static Keys of(Collection<RowKey> keys) {
                return new Keys(List.copyOf(keys));
            }
        }
    }

    /// The count of some rows and two sums of their hashes, each under a seed of its own, modulo
    /// 2^64. Sums don't depend on the order of the rows, and unlike an exclusive or they don't
    /// cancel a row that is there twice. Rows that differ have equal sums with a chance of 2^-128.
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
}
