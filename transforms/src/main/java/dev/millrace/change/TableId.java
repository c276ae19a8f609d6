package dev.millrace.change;

import java.util.Comparator;

/// The name of a table in one database: schema and table as PostgreSQL stores them (no quotes, case
/// preserved). Immutable.
///
/// @param part empty for the table. Otherwise the rows or columns of it that one mapping writes,
///   when several mappings write the table; they have separate changes and are compared separately
public record TableId(String schema, String name, String part) implements Comparable<TableId> {

    private static final Comparator<TableId> ORDER =
            Comparator.comparing(TableId::schema)
                    .thenComparing(TableId::name)
                    .thenComparing(TableId::part);

    /// PostgreSQL allows this character in no name.
    private static final char BEFORE_PART = '\0';

    public TableId {
        if (schema.isEmpty() || name.isEmpty()) {
            throw new IllegalArgumentException(
                    "a table needs a schema and a name, got '" + schema + "." + name + "'");
        }
    }

    /// A table.
    public TableId(String schema, String name) {
        this(schema, name, "");
    }

    /// A part of this table.
    public TableId withPart(String part) {
        return new TableId(schema, name, part);
    }

    /// The table that this is, or is a part of.
    public TableId whole() {
        return part.isEmpty() ? this : new TableId(schema, name);
    }

    /// Name and part as one text for the log.
    String encodedName() {
        return part.isEmpty() ? name : name + BEFORE_PART + part;
    }

    /// @param encodedName from [#encodedName]
    static TableId decoded(String schema, String encodedName) {
        int end = encodedName.indexOf(BEFORE_PART);
        return end < 0
                ? new TableId(schema, encodedName)
                : new TableId(
                        schema, encodedName.substring(0, end), encodedName.substring(end + 1));
    }

    @Override
    public int compareTo(TableId other) {
        return ORDER.compare(this, other);
    }

    /// For messages and metrics only. `dev.millrace.postgres.Identifier` quotes names for SQL.
    @Override
    public String toString() {
        return schema + "." + name + (part.isEmpty() ? "" : " (" + part + ")");
    }
}
