package dev.millrace.change;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashSet;
import java.util.Set;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/// The cells of one row. A cell is PostgreSQL's text of the value, NULL, or *unchanged*: a TOASTed
/// value that an update did not change and that the source therefore did not send. Unchanged is a
/// cell of a separate kind, so no text of a user can be mistaken for it. Immutable. Prints names,
/// never values.
///
/// A cell is a slice of a byte array in UTF-8. The rows of one block share the block's array, so a
/// copied cell is never decoded; [#detached] frees a row that outlives its block.
public final class Row {

    /// Receives the bytes of one cell, which must not be modified or kept.
    @FunctionalInterface
    public interface CellReader {
        void cell(byte[] buffer, int start, int length);
    }

    private static final int NULL = -1;
    private static final int UNCHANGED = -2;

    private final RowSchema schema;
    private final byte[] buffer;

    /// The start and the length of each cell; the length is NULL or UNCHANGED for a cell without
    /// text.
    private final int[] slices;

    private Row(RowSchema schema, byte[] buffer, int[] slices) {
        this.schema = schema;
        this.buffer = buffer;
        this.slices = slices;
    }

    /// A row without unchanged cells; `null` is NULL.
    public static Row of(RowSchema schema, @Nullable String... cells) {
        Builder builder = new Builder(schema);
        if (cells.length != schema.size()) {
            throw new IllegalArgumentException(
                    schema + " has " + schema.size() + " columns, got " + cells.length + " cells");
        }
        for (int i = 0; i < cells.length; i++) {
            builder.text(i, cells[i]);
        }
        return builder.build();
    }

    public RowSchema schema() {
        return schema;
    }

    public TableId table() {
        return schema.table();
    }

    public boolean isUnchanged(int position) {
        return length(position) == UNCHANGED;
    }

    public boolean isNull(int position) {
        return length(position) == NULL;
    }

    /// The text of the cell; `null` is NULL.
    ///
    /// @throws IllegalStateException when the cell is unchanged, because its text is not in the row
    public @Nullable String text(int position) {
        requireSent(position);
        int length = length(position);
        return length == NULL
                ? null
                : new String(buffer, start(position), length, StandardCharsets.UTF_8);
    }

    /// Passes the UTF-8 bytes of the cell to the reader without copying them.
    ///
    /// @throws IllegalStateException when the cell is NULL or unchanged
    public void read(int position, CellReader reader) {
        requireSent(position);
        int length = length(position);
        if (length == NULL) {
            throw new IllegalStateException(
                    schema.table() + "." + schema.columns().get(position) + " is NULL");
        }
        reader.cell(buffer, start(position), length);
    }

    /// True when a cell is unchanged.
    public boolean isPartial() {
        for (int i = 0; i < schema.size(); i++) {
            if (isUnchanged(i)) {
                return true;
            }
        }
        return false;
    }

    /// The cells of the key.
    ///
    /// @throws IllegalStateException when the row has no key or a key cell is unchanged
    public RowKey key() {
        if (schema.key().isEmpty()) {
            throw new IllegalStateException(schema.table() + " has no key");
        }
        RowKey.Encoder key = schema.keyEncoder();
        for (int position : schema.key()) {
            requireSent(position);
            int length = length(position);
            if (length == NULL) {
                key.addNull();
            } else {
                key.add(buffer, start(position), length);
            }
        }
        return key.toKey();
    }

    /// This row merged over an older one of the same schema and key: an unchanged cell takes the
    /// older row's value.
    public Row over(Row older) {
        if (!schema.equals(older.schema)) {
            throw new IllegalArgumentException(
                    "rows of different schemas: " + schema + " and " + older.schema);
        }
        Builder merged = new Builder(schema);
        for (int i = 0; i < schema.size(); i++) {
            merged.copy(i, isUnchanged(i) ? older : this, i);
        }
        return merged.build();
    }

    /// An equal row that does not share the array of a block. Rows that are kept longer than their
    /// block must be detached, otherwise each keeps a whole block in memory.
    public Row detached() {
        Builder copy = new Builder(schema);
        for (int i = 0; i < schema.size(); i++) {
            copy.copy(i, this, i);
        }
        return copy.build();
    }

    /// The number of bytes of all cells.
    public int size() {
        int size = 0;
        for (int i = 0; i < schema.size(); i++) {
            size += Math.max(0, length(i));
        }
        return size;
    }

    /// This row without its largest cells that do not belong to the key, so many that the others
    /// have at most `bytes` bytes. The removed cells are unchanged.
    public Row fitting(int bytes) {
        int size = size();
        Set<Integer> removed = new HashSet<>();
        while (size > bytes) {
            int largest = largest(removed);
            removed.add(largest);
            size -= length(largest);
        }
        if (removed.isEmpty()) {
            return this;
        }
        Builder fitting = new Builder(schema);
        for (int i = 0; i < schema.size(); i++) {
            if (removed.contains(i)) {
                fitting.unchanged(i);
            } else {
                fitting.copy(i, this, i);
            }
        }
        return fitting.build();
    }

    /// The key's columns alone.
    public Row keyOnly() {
        Builder key =
                new Builder(
                        RowSchema.keyed(schema.table(), schema.keyColumns(), schema.keyColumns()));
        for (int i = 0; i < schema.key().size(); i++) {
            key.copy(i, this, schema.key().get(i));
        }
        return key.build();
    }

    /// The position of the largest cell that does not belong to the key.
    public int largest() {
        return largest(Set.of());
    }

    private int largest(Set<Integer> without) {
        return IntStream.range(0, schema.size())
                .filter(i -> !schema.key().contains(i) && !without.contains(i))
                .boxed()
                .max(Comparator.comparingInt(this::length))
                .orElseThrow(
                        () -> new IllegalStateException("The key of " + this + " is too large."));
    }

    /// The number of bytes of a cell; 0 if it is NULL or unchanged.
    public int size(int position) {
        return Math.max(0, length(position));
    }

    private void requireSent(int position) {
        if (isUnchanged(position)) {
            throw new IllegalStateException(
                    schema.table()
                            + "."
                            + schema.columns().get(position)
                            + " is unchanged, so the row does not contain its value");
        }
    }

    private int start(int position) {
        return slices[2 * position];
    }

    private int length(int position) {
        return slices[2 * position + 1];
    }

    @Override
    public boolean equals(Object other) {
        if (!(other instanceof Row that) || !schema.equals(that.schema)) {
            return false;
        }
        for (int i = 0; i < schema.size(); i++) {
            int length = length(i);
            if (length != that.length(i)
                    || length > 0
                            && !Arrays.equals(
                                    buffer,
                                    start(i),
                                    start(i) + length,
                                    that.buffer,
                                    that.start(i),
                                    that.start(i) + length)) {
                return false;
            }
        }
        return true;
    }

    @Override
    public int hashCode() {
        int hash = schema.hashCode();
        for (int i = 0; i < schema.size(); i++) {
            hash = 31 * hash + length(i);
            for (int at = start(i); at < start(i) + length(i); at++) {
                hash = 31 * hash + buffer[at];
            }
        }
        return hash;
    }

    @Override
    public String toString() {
        return "row of " + schema;
    }

    /// Builds one row cell by cell; cells that are not set are NULL. Not thread-safe; used once.
    public static final class Builder {
        private final RowSchema schema;
        private final int[] slices;
        private byte[] buffer;
        private int size;

        public Builder(RowSchema schema) {
            this(schema, new byte[16 * schema.size()]);
        }

        private Builder(RowSchema schema, byte[] buffer) {
            this.schema = schema;
            this.slices = new int[2 * schema.size()];
            this.buffer = buffer;
            for (int i = 0; i < schema.size(); i++) {
                slices[2 * i + 1] = NULL;
            }
        }

        /// A builder of a row whose cells are slices of the array; see [#slice].
        static Builder over(RowSchema schema, byte[] buffer) {
            return new Builder(schema, buffer);
        }

        public Builder text(int position, @Nullable String text) {
            if (text == null) {
                return slice(position, 0, NULL);
            }
            byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
            return bytes(position, bytes, 0, bytes.length);
        }

        /// @param source UTF-8, copied
        public Builder bytes(int position, byte[] source, int start, int length) {
            if (size + length > buffer.length) {
                buffer = Arrays.copyOf(buffer, Math.max(buffer.length * 2, size + length));
            }
            System.arraycopy(source, start, buffer, size, length);
            slice(position, size, length);
            size += length;
            return this;
        }

        public Builder unchanged(int position) {
            return slice(position, 0, UNCHANGED);
        }

        /// Copies a cell of another row, of any kind, without decoding it.
        public Builder copy(int position, Row from, int column) {
            int length = from.length(column);
            return length < 0
                    ? slice(position, 0, length)
                    : bytes(position, from.buffer, from.start(column), length);
        }

        /// The cell is this part of the array that the builder was made over.
        Builder slice(int position, int start, int length) {
            slices[2 * position] = start;
            slices[2 * position + 1] = length;
            return this;
        }

        public Row build() {
            return new Row(schema, buffer, slices);
        }
    }

    /// Writes the cells: each its length plus 2 and its bytes, 0 for NULL, 1 for unchanged.
    void write(ByteWriter out) {
        for (int i = 0; i < schema.size(); i++) {
            int length = length(i);
            switch (length) {
                case NULL -> out.number(0);
                case UNCHANGED -> out.number(1);
                default -> {
                    out.number(length + 2L);
                    out.raw(buffer, start(i), length);
                }
            }
        }
    }

    /// Reads what [#write] wrote; the row shares the reader's array.
    static Row read(ByteReader in, RowSchema schema) {
        Builder row = Builder.over(schema, in.buffer());
        for (int i = 0; i < schema.size(); i++) {
            int head = in.length();
            switch (head) {
                case 0 -> {}
                case 1 -> row.unchanged(i);
                default -> row.slice(i, in.skip(head - 2), head - 2);
            }
        }
        return row.build();
    }
}
