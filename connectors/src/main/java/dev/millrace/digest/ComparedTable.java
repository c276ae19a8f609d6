package dev.millrace.digest;

import dev.millrace.change.Row;
import dev.millrace.change.RowKey;
import dev.millrace.change.RowSchema;
import dev.millrace.digest.RowHash.Cell;
import dev.millrace.mapping.Mapping;
import dev.millrace.postgres.Identifier;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/// A mapping with the types of its target's columns: what is needed to read the same texts on
/// either side. Immutable and thread-safe.
public final class ComparedTable {

    private final Mapping mapping;
    private final List<ColumnText> columns;
    private final Hashes hashes;
    private final boolean notNullKey;
    private final Size size;

    /// The size of a table.
    ///
    /// @param bytes of the larger side, including TOASTed values
    /// @param rows of the target as its statistics estimate them; 0 if it has none
    record Size(long bytes, long rows) {}

    /// The same hash of a row on each side.
    record Hashes(RowHash source, RowHash target) {}

    ComparedTable(
            Mapping mapping,
            List<ColumnText> columns,
            Hashes hashes,
            boolean notNullKey,
            Size size) {
        this.mapping = mapping;
        this.columns = List.copyOf(columns);
        this.hashes = hashes;
        this.notNullKey = notNullKey;
        this.size = size;
    }

    /// The size of the larger side in bytes, including TOASTed values.
    public long bytes() {
        return size.bytes();
    }

    /// The number of the target's rows as its statistics estimate it; 0 if there are none.
    public long estimatedRows() {
        return size.rows();
    }

    public Mapping mapping() {
        return mapping;
    }

    /// Whether every text of the mapping is the text that the target's column prints.
    boolean isCanonical(RowSchema schema) {
        return schema.columns().stream().allMatch(name -> column(name).isCanonical());
    }

    ColumnText column(String name) {
        return columns.get(mapping.target().position(name));
    }

    /// Whether a range of the key can contain the same keys on both sides: each key column is NOT
    /// NULL on the target, and its type has one order on all servers. The collations of texts may
    /// still differ (see [TableSnapshot#keyOrder]), the source may give a NULL (see
    /// [SourceSnapshot#hasNullKey]), and this does not say whether an index finds the range (see
    /// [RangeSnapshot#isIndexed]).
    public boolean hasRanges() {
        return notNullKey
                && mapping.target().key().stream().allMatch(i -> columns.get(i).isOrdered());
    }

    /// The SQL of the source: the user's SELECT, with its columns taken by name.
    SideSql source() {
        return side(
                hashes.source(),
                "(\n" + mapping.userText() + "\n) AS m",
                columns.stream().map(column -> column.onSource("m")).toList(),
                ColumnText::isIndexable);
    }

    /// The SQL of the target: the table, or those of its rows that the mapping gives.
    SideSql target() {
        return side(
                hashes.target(),
                targetRows("") + " AS m",
                columns.stream().map(column -> column.onTarget("m")).toList(),
                column -> column.castable() != null);
    }

    /// The rows of some pages of the target's table, in the same columns.
    ///
    /// @param percent of the pages
    SideSql targetSample(double percent) {
        String sample = String.format(Locale.ROOT, " TABLESAMPLE SYSTEM (%.6f)", percent);
        return side(
                hashes.target(),
                mapping.within().isPresent()
                        ? targetRows(sample) + " AS m"
                        : table() + " AS m" + sample,
                columns.stream().map(column -> column.onTarget("m")).toList(),
                column -> column.castable() != null);
    }

    private String table() {
        return Identifier.quote(mapping.target().table());
    }

    private String targetRows(String sample) {
        return mapping.within()
                .map(
                        condition ->
                                "(SELECT xmin, * FROM "
                                        + table()
                                        + sample
                                        + " WHERE "
                                        + condition
                                        + ")")
                .orElse(table());
    }

    private SideSql side(
            RowHash hash, String from, List<String> texts, Predicate<ColumnText> isTyped) {
        List<KeyColumn> key = new ArrayList<>();
        List<Cell> keyCells = new ArrayList<>();
        for (int position : mapping.target().key()) {
            ColumnText column = columns.get(position);
            key.add(key("m", column, texts.get(position), isTyped.test(column)));
            keyCells.add(cell(hash, column, texts.get(position)));
        }
        List<Cell> all = new ArrayList<>();
        for (int i = 0; i < columns.size(); i++) {
            all.add(cell(hash, columns.get(i), texts.get(i)));
        }
        return new SideSql(from, texts, key, hash.ofKey(keyCells), hash.ofRow(all));
    }

    private static Cell cell(RowHash hash, ColumnText column, String text) {
        return hash.cell(column.typeOnBothSides(), "m." + Identifier.quote(column.name()), text);
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
                typed ? column.type() : "text",
                row + "." + Identifier.quote(column.name()),
                column.rangeType(),
                column.isCollated());
    }

    /// @param text the key column's canonical text
    /// @param value the expression that is compared with a key
    /// @param type the type of that expression
    /// @param ordered the expression whose order is the same on both sides, if the key has ranges
    /// @param orderedType the type of a bound of that order
    /// @param collated whether the order depends on a collation
    record KeyColumn(
            String text,
            String value,
            String type,
            String ordered,
            String orderedType,
            boolean collated) {}
}
