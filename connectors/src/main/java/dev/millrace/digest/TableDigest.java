package dev.millrace.digest;

import dev.millrace.digest.TableSnapshot.RowSum;
import java.util.Map;
import java.util.SortedSet;
import java.util.TreeSet;

/// All rows of one side in one snapshot, added up per bucket. The bucket of a row depends on its
/// key's text alone, so both sides put a key into the same one. An absent bucket has no rows.
///
/// @param keyCharacters of each bucket's keys: what they take when they are read
public record TableDigest(Map<Integer, RowSum> buckets, Map<Integer, Long> keyCharacters) {

    /// Of any table; a thousandth of the rows is what a difference makes the next look read.
    public static final int BUCKETS = 1024;

    /// Of what differs in a large table. Each bucket is part of one of the fewer.
    public static final int FINE_BUCKETS = 128 * BUCKETS;

    public TableDigest {
        buckets = Map.copyOf(buckets);
        keyCharacters = Map.copyOf(keyCharacters);
    }

    public RowSum bucket(int number) {
        return buckets.getOrDefault(number, RowSum.NONE);
    }

    public long keyCharacters(int number) {
        return keyCharacters.getOrDefault(number, 0L);
    }

    public RowSum total() {
        return buckets.values().stream().reduce(RowSum.NONE, RowSum::plus);
    }

    /// The buckets in which the two differ, in order.
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
