package dev.millrace.digest;

import dev.millrace.digest.TableSnapshot.RowSum;
import java.util.HashMap;
import java.util.Map;
import java.util.SortedSet;
import java.util.TreeSet;

/// The sum of all rows of one side in one snapshot, per bucket. The bucket of a row depends only on
/// the text of its key, so both sides put a key into the same bucket. An absent bucket has no rows.
/// Immutable.
///
/// @param keyBytes the bytes of each bucket's keys, which is their size when they are read
public record TableDigest(Map<Integer, RowSum> buckets, Map<Integer, Long> keyBytes) {

    /// The number of buckets for any table: after a difference the next read takes a thousandth of
    /// the rows.
    public static final int BUCKETS = 1024;

    /// The number of buckets for the differing part of a large table. Each of them is part of one
    /// of the [#BUCKETS].
    public static final int FINE_BUCKETS = 128 * BUCKETS;

    /// The number of buckets for a range of keys: about ten rows of a chunk are in one bucket, so
    /// that a difference needs few rows to be read, and few sums are read for all of them.
    public static final int RANGE_BUCKETS = 16 * BUCKETS;

    public TableDigest {
        buckets = Map.copyOf(buckets);
        keyBytes = Map.copyOf(keyBytes);
    }

    public RowSum bucket(int number) {
        return buckets.getOrDefault(number, RowSum.NONE);
    }

    public long keyBytes(int number) {
        return keyBytes.getOrDefault(number, 0L);
    }

    public RowSum total() {
        return buckets.values().stream().reduce(RowSum.NONE, RowSum::plus);
    }

    /// This digest without some of its rows.
    public TableDigest minus(TableDigest rows) {
        Map<Integer, RowSum> rest = new HashMap<>(buckets);
        Map<Integer, Long> bytes = new HashMap<>(keyBytes);
        rows.buckets.forEach((number, sum) -> rest.put(number, bucket(number).minus(sum)));
        rows.keyBytes.forEach((number, width) -> bytes.put(number, keyBytes(number) - width));
        return new TableDigest(rest, bytes);
    }

    /// The buckets in which the two digests differ, sorted.
    public SortedSet<Integer> differing(TableDigest other) {
        SortedSet<Integer> numbers = new TreeSet<>();
        buckets.keySet().forEach(number -> addIfDiffers(numbers, number, other));
        other.buckets.keySet().forEach(number -> addIfDiffers(numbers, number, other));
        return numbers;
    }

    private void addIfDiffers(SortedSet<Integer> numbers, int number, TableDigest other) {
        if (!bucket(number).equals(other.bucket(number))) {
            numbers.add(number);
        }
    }
}
