package dev.millrace.change;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// The key of one row: PostgreSQL's texts of its key columns, in key order. Equal keys have equal
/// texts. [#bytes()] is canonical and injective; it selects the partition: one key, one partition,
/// one order. Immutable. Prints names, never values.
public final class RowKey {

    /// One order of the keys of a table, by their values: whole numbers first and by value, then
    /// other texts by their bytes, NULL last. Decodes no text.
    public static final Comparator<RowKey> ORDER =
            Comparator.comparingLong(RowKey::orderPrefix).thenComparing(RowKey::compareValues);

    /// Whole numbers with more digits are ordered after all others.
    private static final int LONGEST_NUMBER = 18;

    private static final long AFTER_NUMBERS = 1_000_000_000_000_000_000L;

    private static final int NULL = -1;

    private final TableId table;
    private final int size;

    /// Schema and name of the table, then the values, each after its length in four bytes; NULL has
    /// length -1.
    private final byte[] bytes;

    private final int valuesAt;
    private final int hash;

    private RowKey(TableId table, int size, byte[] bytes, int valuesAt) {
        this.table = table;
        this.size = size;
        this.bytes = bytes;
        this.valuesAt = valuesAt;
        this.hash = Arrays.hashCode(bytes);
    }

    public static RowKey of(TableId table, @Nullable String... values) {
        Encoder key = new Encoder(table, values.length);
        for (String value : values) {
            if (value == null) {
                key.addNull();
            } else {
                byte[] bytes = value.getBytes(StandardCharsets.UTF_8);
                key.add(bytes, 0, bytes.length);
            }
        }
        return key.toKey();
    }

    public TableId table() {
        return table;
    }

    public int size() {
        return size;
    }

    public @Nullable String value(int position) {
        int at = valuesAt;
        for (int i = 0; i < position; i++) {
            at += Integer.BYTES + Math.max(0, length(at));
        }
        int length = length(at);
        return length == NULL
                ? null
                : new String(bytes, at + Integer.BYTES, length, StandardCharsets.UTF_8);
    }

    /// The texts in key order. For reports that an operator requested, never for logs.
    public List<@Nullable String> values() {
        List<@Nullable String> values = new ArrayList<>();
        for (int i = 0; i < size; i++) {
            values.add(value(i));
        }
        return values;
    }

    /// Table and values, each prefixed with its length; NULL has length -1. Two different keys have
    /// different bytes. The caller must not modify the array.
    public byte[] bytes() {
        return bytes;
    }

    /// The key's place in [#ORDER] as far as a number can tell: keys with different prefixes are in
    /// the order of their prefixes. Sorting many keys by it avoids most comparisons of bytes.
    public long orderPrefix() {
        int length = size == 0 ? NULL : length(valuesAt);
        if (length == NULL) {
            return Long.MAX_VALUE;
        }
        int from = valuesAt + Integer.BYTES;
        if (!isWholeNumber(from, length)) {
            long prefix = 0;
            for (int i = 0; i < Long.BYTES - 1; i++) {
                prefix = prefix << Byte.SIZE | (i < length ? bytes[from + i] & 0xFF : 0);
            }
            return 2 * AFTER_NUMBERS + prefix;
        }
        if (length > LONGEST_NUMBER) {
            return AFTER_NUMBERS;
        }
        long value = 0;
        for (int i = from; i < from + length; i++) {
            value = 10 * value + bytes[i] - '0';
        }
        return value;
    }

    private static int compareValues(RowKey left, RowKey right) {
        int atLeft = left.valuesAt;
        int atRight = right.valuesAt;
        for (int i = 0; i < Math.min(left.size, right.size); i++) {
            int byValue = compareValues(left, atLeft, right, atRight);
            if (byValue != 0) {
                return byValue;
            }
            atLeft += Integer.BYTES + Math.max(0, left.length(atLeft));
            atRight += Integer.BYTES + Math.max(0, right.length(atRight));
        }
        return Integer.compare(left.size, right.size);
    }

    private static int compareValues(RowKey left, int atLeft, RowKey right, int atRight) {
        int leftLength = left.length(atLeft);
        int rightLength = right.length(atRight);
        if (leftLength == NULL || rightLength == NULL) {
            return Boolean.compare(leftLength == NULL, rightLength == NULL);
        }
        int fromLeft = atLeft + Integer.BYTES;
        int fromRight = atRight + Integer.BYTES;
        boolean isNumber = left.isWholeNumber(fromLeft, leftLength);
        if (isNumber != right.isWholeNumber(fromRight, rightLength)) {
            return isNumber ? -1 : 1;
        }
        return isNumber && leftLength != rightLength
                ? Integer.compare(leftLength, rightLength)
                : Arrays.compareUnsigned(
                        left.bytes,
                        fromLeft,
                        fromLeft + leftLength,
                        right.bytes,
                        fromRight,
                        fromRight + rightLength);
    }

    private boolean isWholeNumber(int from, int length) {
        for (int i = from; i < from + length; i++) {
            if (bytes[i] < '0' || bytes[i] > '9') {
                return false;
            }
        }
        return length > 0;
    }

    private int length(int at) {
        return (bytes[at] & 0xFF) << 24
                | (bytes[at + 1] & 0xFF) << 16
                | (bytes[at + 2] & 0xFF) << 8
                | bytes[at + 3] & 0xFF;
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof RowKey that
                && hash == that.hash
                && size == that.size
                && Arrays.equals(bytes, that.bytes);
    }

    @Override
    public int hashCode() {
        return hash;
    }

    @Override
    public String toString() {
        return "key of " + table;
    }

    /// Encodes one key value by value. Not thread-safe; used once.
    static final class Encoder {
        private final TableId table;
        private final int size;
        private final int valuesAt;
        private byte[] bytes;
        private int end;

        Encoder(TableId table, int size) {
            this.table = table;
            this.size = size;
            byte[] schema = table.schema().getBytes(StandardCharsets.UTF_8);
            byte[] name = table.encodedName().getBytes(StandardCharsets.UTF_8);
            bytes = new byte[schema.length + name.length + 8 + 24 * size];
            add(schema, 0, schema.length);
            add(name, 0, name.length);
            valuesAt = end;
        }

        /// @param prefix the bytes of a key of the table without values
        Encoder(TableId table, byte[] prefix, int size) {
            this.table = table;
            this.size = size;
            bytes = Arrays.copyOf(prefix, prefix.length + 24 * size);
            end = prefix.length;
            valuesAt = end;
        }

        void addNull() {
            length(NULL, 0);
        }

        void add(byte[] source, int start, int length) {
            length(length, length);
            System.arraycopy(source, start, bytes, end, length);
            end += length;
        }

        private void length(int length, int following) {
            if (end + Integer.BYTES + following > bytes.length) {
                bytes = Arrays.copyOf(bytes, 2 * bytes.length + Integer.BYTES + following);
            }
            bytes[end++] = (byte) (length >> 24);
            bytes[end++] = (byte) (length >> 16);
            bytes[end++] = (byte) (length >> 8);
            bytes[end++] = (byte) length;
        }

        RowKey toKey() {
            return new RowKey(table, size, Arrays.copyOf(bytes, end), valuesAt);
        }
    }
}
