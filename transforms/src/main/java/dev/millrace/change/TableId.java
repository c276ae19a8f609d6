package dev.millrace.change;

import java.util.Comparator;

/// The name of a table in one database: schema and table as PostgreSQL stores them (no quotes, case
/// preserved). Immutable.
public record TableId(String schema, String name) implements Comparable<TableId> {

    private static final Comparator<TableId> ORDER =
            Comparator.comparing(TableId::schema).thenComparing(TableId::name);

    public TableId {
        if (schema.isEmpty() || name.isEmpty()) {
            throw new IllegalArgumentException(
                    "a table needs a schema and a name, got '" + schema + "." + name + "'");
        }
    }

    @Override
    public int compareTo(TableId other) {
        return ORDER.compare(this, other);
    }

    /// For messages and metrics only. `dev.millrace.postgres.Identifier` quotes names for SQL.
    @Override
    public String toString() {
        return schema + "." + name;
    }
}
