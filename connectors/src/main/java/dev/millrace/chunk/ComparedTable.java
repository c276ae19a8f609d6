package dev.millrace.chunk;

import dev.millrace.change.Row;
import dev.millrace.change.RowKey;
import dev.millrace.change.Shape;
import dev.millrace.postgres.Identifier;
import dev.millrace.select.Mapping;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// A mapping together with what the target's catalog says of its columns: enough to read either
/// side in the same words. Immutable; safe for any thread.
public final class ComparedTable {

    private final Mapping mapping;
    private final List<ColumnText> columns;
    private final HashFunction hash;
    private final long bytes;

    ComparedTable(Mapping mapping, List<ColumnText> columns, HashFunction hash, long bytes) {
        this.mapping = mapping;
        this.columns = List.copyOf(columns);
        this.hash = hash;
        this.bytes = bytes;
    }

    /// The size of the larger side, its TOASTed values with it.
    public long bytes() {
        return bytes;
    }

    public Mapping mapping() {
        return mapping;
    }

    /// True when texts of the mapping are the target columns' own texts as they are.
    boolean isCanonical(Shape shape) {
        return shape.columns().stream().allMatch(name -> column(name).isCanonical());
    }

    ColumnText column(String name) {
        return columns.get(mapping.target().position(name));
    }

    /// The user's own SELECT, its columns taken by name.
    SideSql source() {
        List<String> texts = columns.stream().map(column -> column.onSource("m")).toList();
        List<KeyColumn> key = new ArrayList<>();
        for (int position : mapping.target().key()) {
            ColumnText column = columns.get(position);
            key.add(key("m", column, texts.get(position), column.sameBuiltIn()));
        }
        return new SideSql("(\n" + mapping.userText() + "\n) AS m", texts, key, hash);
    }

    SideSql target() {
        List<String> texts = columns.stream().map(column -> column.onTarget("m")).toList();
        List<KeyColumn> key = new ArrayList<>();
        for (int position : mapping.target().key()) {
            ColumnText column = columns.get(position);
            key.add(key("m", column, texts.get(position), column.castable() != null));
        }
        String table = Identifier.quote(mapping.target().table());
        return new SideSql(table + " AS m", texts, key, hash);
    }

    RowKey key(@Nullable String[] values) {
        return RowKey.of(mapping.target().table(), values);
    }

    Row row(@Nullable String[] cells) {
        return Row.of(mapping.target(), cells);
    }

    private static KeyColumn key(String row, ColumnText column, String text, boolean typed) {
        return new KeyColumn(
                text,
                typed ? row + "." + Identifier.quote(column.name()) : text,
                typed ? column.type() : "text");
    }

    /// @param text the key column's canonical text
    /// @param value what is compared when rows are asked for by key
    /// @param type of that value
    record KeyColumn(String text, String value, String type) {}
}
