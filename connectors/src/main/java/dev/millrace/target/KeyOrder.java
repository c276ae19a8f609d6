package dev.millrace.target;

import dev.millrace.change.RowKey;
import java.util.Comparator;
import org.jspecify.annotations.Nullable;

/// One order of keys for every writer: two transactions that meet take their row locks in the same
/// order, and neighbours in an index come together. Whole numbers stand in their own order.
enum KeyOrder implements Comparator<RowKey> {
    INSTANCE;

    @Override
    public int compare(RowKey left, RowKey right) {
        for (int i = 0; i < Math.min(left.size(), right.size()); i++) {
            int byValue = compare(left.value(i), right.value(i));
            if (byValue != 0) {
                return byValue;
            }
        }
        return Integer.compare(left.size(), right.size());
    }

    private static int compare(@Nullable String left, @Nullable String right) {
        if (left == null || right == null) {
            return Boolean.compare(left == null, right == null);
        }
        boolean leftIsNumber = isWholeNumber(left);
        if (leftIsNumber != isWholeNumber(right)) {
            return leftIsNumber ? -1 : 1;
        }
        return leftIsNumber && left.length() != right.length()
                ? Integer.compare(left.length(), right.length())
                : left.compareTo(right);
    }

    private static boolean isWholeNumber(String text) {
        for (int i = 0; i < text.length(); i++) {
            if (text.charAt(i) < '0' || text.charAt(i) > '9') {
                return false;
            }
        }
        return !text.isEmpty();
    }
}
