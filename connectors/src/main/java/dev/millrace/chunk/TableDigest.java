package dev.millrace.chunk;

import java.util.Map;
import java.util.SortedSet;
import java.util.TreeSet;

/// All rows of one side in one snapshot, added up per bucket. The bucket of a row depends on its
/// key's text alone, so both sides put a key into the same one. An absent bucket has no rows.
public record TableDigest(Map<Integer, RowSum> buckets) {

    /// Of any table; a thousandth of the rows is what a difference makes the next look read.
    public static final int BUCKETS = 1024;

    public TableDigest {
        buckets = Map.copyOf(buckets);
    }

    public RowSum bucket(int number) {
        return buckets.getOrDefault(number, RowSum.NONE);
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
