package dev.millrace.change;

import java.util.Arrays;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/// The cells of one row. A cell is PostgreSQL's text of the value, NULL, or *unchanged*: a TOASTed
/// value that an update did not change and that the source therefore did not send. Unchanged is a
/// cell of a separate kind, so no text of a user can be mistaken for it. Immutable. Prints names,
/// never values.
public final class Row {

    /// Marks the unchanged cell; compared by identity and never returned.
    // A distinct object, identical to no literal.
    @SuppressWarnings("StringOperationCanBeSimplified")
    private static final String UNCHANGED = new String("unchanged");

    private final RowSchema schema;
    private final @Nullable String[] cells;

    private Row(RowSchema schema, @Nullable String[] cells) {
        this.schema = schema;
        this.cells = cells;
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
        return cells[position] == UNCHANGED;
    }

    public boolean isNull(int position) {
        return cells[position] == null;
    }

    /// The text of the cell; `null` is NULL.
    ///
    /// @throws IllegalStateException when the cell is unchanged, because its text is not in the row
    public @Nullable String text(int position) {
        String cell = cells[position];
        if (cell == UNCHANGED) {
            throw new IllegalStateException(
                    schema.table()
                            + "."
                            + schema.columns().get(position)
                            + " is unchanged, so the row does not contain its value");
        }
        return cell;
    }

    /// True when a cell is unchanged.
    public boolean isPartial() {
        for (String cell : cells) {
            if (cell == UNCHANGED) {
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
        @Nullable String[] values = new String[schema.key().size()];
        for (int i = 0; i < values.length; i++) {
            values[i] = text(schema.key().get(i));
        }
        return new RowKey(schema.table(), values);
    }

    /// This row merged over an older one of the same schema and key: an unchanged cell takes the
    /// older row's value.
    public Row over(Row older) {
        if (!schema.equals(older.schema)) {
            throw new IllegalArgumentException(
                    "rows of different schemas: " + schema + " and " + older.schema);
        }
        @Nullable String[] merged = cells.clone();
        for (int i = 0; i < merged.length; i++) {
            if (merged[i] == UNCHANGED) {
                merged[i] = older.cells[i];
            }
        }
        return new Row(schema, merged);
    }

    @Override
    public boolean equals(Object other) {
        if (!(other instanceof Row that) || !schema.equals(that.schema)) {
            return false;
        }
        for (int i = 0; i < cells.length; i++) {
            boolean unchanged = cells[i] == UNCHANGED;
            if (unchanged != (that.cells[i] == UNCHANGED)
                    || !Objects.equals(cells[i], that.cells[i])) {
                return false;
            }
        }
        return true;
    }

    @Override
    public int hashCode() {
        return 31 * schema.hashCode() + Arrays.hashCode(cells);
    }

    @Override
    public String toString() {
        return "row of " + schema;
    }

    /// Builds one row cell by cell; cells that are not set are NULL. Not thread-safe; used once.
    public static final class Builder {
        private final RowSchema schema;
        private final @Nullable String[] cells;

        public Builder(RowSchema schema) {
            this.schema = schema;
            this.cells = new String[schema.size()];
        }

        public Builder text(int position, @Nullable String text) {
            cells[position] = text;
            return this;
        }

        public Builder unchanged(int position) {
            cells[position] = UNCHANGED;
            return this;
        }

        public Row build() {
            return new Row(schema, cells.clone());
        }
    }
}
