package dev.millrace.change;

import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;

/// The columns of a row in order, and its key columns in key order. Each row carries its schema, so
/// a record can be read from any offset, and a column that is added on the source later does not
/// affect earlier records. Schemas are few and shared; equality is by content. Immutable.
public final class RowSchema {

    private final TableId table;
    private final List<String> columns;
    private final List<Integer> key;
    private final Map<String, Integer> positions = new HashMap<>();
    private final byte[] keyPrefix;
    private final int hash;

    /// @param key positions in `columns`; empty for a row without a key
    public RowSchema(TableId table, List<String> columns, List<Integer> key) {
        this.table = table;
        this.columns = List.copyOf(columns);
        this.key = List.copyOf(key);
        for (int i = 0; i < this.columns.size(); i++) {
            if (positions.put(this.columns.get(i), i) != null) {
                throw new IllegalArgumentException(
                        table + " has two columns named " + this.columns.get(i));
            }
        }
        for (int position : this.key) {
            if (position < 0 || position >= this.columns.size()) {
                throw new IllegalArgumentException(
                        table + " has no column at key position " + position);
            }
        }
        if (new HashSet<>(this.key).size() != this.key.size()) {
            throw new IllegalArgumentException(table + " names a key column twice");
        }
        keyPrefix = RowKey.of(table).bytes();
        hash = 31 * (31 * table.hashCode() + this.columns.hashCode()) + this.key.hashCode();
    }

    /// The schema whose key consists of the columns `keyColumns`, in that order.
    public static RowSchema keyed(TableId table, List<String> columns, List<String> keyColumns) {
        List<Integer> positions =
                keyColumns.stream()
                        .map(
                                name -> {
                                    int position = columns.indexOf(name);
                                    if (position < 0) {
                                        throw new IllegalArgumentException(
                                                table + " has no key column " + name);
                                    }
                                    return position;
                                })
                        .toList();
        return new RowSchema(table, columns, positions);
    }

    public TableId table() {
        return table;
    }

    public List<String> columns() {
        return columns;
    }

    /// Positions of the key columns, in key order.
    public List<Integer> key() {
        return key;
    }

    public List<String> keyColumns() {
        return key.stream().map(columns::get).toList();
    }

    RowKey.Encoder keyEncoder() {
        return new RowKey.Encoder(table, keyPrefix, key.size());
    }

    public int size() {
        return columns.size();
    }

    /// The position of the column, or -1.
    public int position(String column) {
        return positions.getOrDefault(column, -1);
    }

    @Override
    public boolean equals(Object other) {
        return this == other
                || other instanceof RowSchema that
                        && hash == that.hash
                        && table.equals(that.table)
                        && columns.equals(that.columns)
                        && key.equals(that.key);
    }

    @Override
    public int hashCode() {
        return hash;
    }

    @Override
    public String toString() {
        return table + columns.toString();
    }
}
