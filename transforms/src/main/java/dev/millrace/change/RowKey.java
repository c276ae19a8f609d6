package dev.millrace.change;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// The key of one row: PostgreSQL's texts of its key columns, in key order. Equal keys have equal
/// texts. [#bytes()] is canonical and injective; it is the record key in the log and selects the
/// partition: one key, one partition, one order. Immutable. Prints names, never values.
public final class RowKey {

    private final TableId table;
    private final @Nullable String[] values;

    RowKey(TableId table, @Nullable String[] values) {
        this.table = table;
        this.values = values;
    }

    public static RowKey of(TableId table, @Nullable String... values) {
        return new RowKey(table, values.clone());
    }

    public TableId table() {
        return table;
    }

    public int size() {
        return values.length;
    }

    public @Nullable String value(int position) {
        return values[position];
    }

    /// The texts in key order. For reports that an operator requested, never for logs.
    public List<@Nullable String> values() {
        return Arrays.asList(values.clone());
    }

    /// Table and values, each prefixed with its length; NULL has length -1. Two different keys have
    /// different bytes.
    public byte[] bytes() {
        byte[][] parts = new byte[values.length + 2][];
        parts[0] = table.schema().getBytes(StandardCharsets.UTF_8);
        parts[1] = table.name().getBytes(StandardCharsets.UTF_8);
        int size = 8 + parts[0].length + parts[1].length;
        for (int i = 0; i < values.length; i++) {
            String value = values[i];
            parts[i + 2] = value == null ? new byte[0] : value.getBytes(StandardCharsets.UTF_8);
            size += 4 + parts[i + 2].length;
        }
        ByteBuffer buffer = ByteBuffer.allocate(size);
        for (int i = 0; i < parts.length; i++) {
            boolean isNull = i >= 2 && values[i - 2] == null;
            buffer.putInt(isNull ? -1 : parts[i].length);
            buffer.put(parts[i]);
        }
        return buffer.array();
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof RowKey that
                && table.equals(that.table)
                && Arrays.equals(values, that.values);
    }

    @Override
    public int hashCode() {
        return 31 * table.hashCode() + Arrays.hashCode(values);
    }

    @Override
    public String toString() {
        return "key of " + table;
    }
}
