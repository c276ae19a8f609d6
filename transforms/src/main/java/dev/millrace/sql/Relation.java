package dev.millrace.sql;

import dev.millrace.change.TableId;
import java.util.List;
import java.util.Optional;

/// A table as its catalog describes it, on the source or on the target.
///
/// @param key the columns of the primary key in key order (for a source: of the replica identity
///   that rows are known by); empty when the table has none
public record Relation(TableId id, List<Column> columns, List<String> key) {

    public Relation {
        columns = List.copyOf(columns);
        key = List.copyOf(key);
    }

    public Optional<Column> column(String name) {
        return columns.stream().filter(column -> column.name().equals(name)).findFirst();
    }

    /// @param generated the value is computed by the table itself (`GENERATED ALWAYS AS (..)
    ///   STORED` or `VIRTUAL`): the source doesn't send it, the target doesn't take it
    /// @param defaulted a row that leaves the column out gets a value: by DEFAULT or as an identity
    public record Column(
            String name,
            SqlType type,
            boolean notNull,
            boolean generated,
            Collation collation,
            boolean defaulted) {

        /// A column of which nobody asked whether it has a default: it counts as having one.
        public Column(
                String name,
                SqlType type,
                boolean notNull,
                boolean generated,
                Collation collation) {
            this(name, type, notNull, generated, collation, true);
        }
    }

    /// @param schema the schema of the type, `pg_catalog` for built-in ones
    /// @param name the catalog's own name: `int4`, `numeric`, `_text`
    /// @param formatted what `format_type` prints: `integer`, `numeric(12,2)`, `text[]`
    /// @param modifier `atttypmod`, -1 when there is none
    /// @param base for a domain the type below it, else empty
    /// @param enumerated an enum of the user's
    public record SqlType(
            String schema,
            String name,
            String formatted,
            int modifier,
            Optional<SqlType> base,
            boolean enumerated) {

        /// Any type but an enum.
        public SqlType(
                String schema,
                String name,
                String formatted,
                int modifier,
                Optional<SqlType> base) {
            this(schema, name, formatted, modifier, base, false);
        }
    }

    /// How text of a column compares and changes case.
    ///
    /// @param name the collation's name as it is written in SQL after COLLATE, unquoted; empty for
    ///   types without
    public record Collation(String name, Provider provider, boolean deterministic) {

        public static final Collation NONE = new Collation("", Provider.NONE, true);

        public enum Provider {
            NONE,
            C,
            BUILTIN,
            ICU,
            LIBC
        }
    }
}
