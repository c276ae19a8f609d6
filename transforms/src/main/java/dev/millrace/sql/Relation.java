package dev.millrace.sql;

import dev.millrace.change.TableId;
import java.util.List;
import java.util.Optional;

/// A table as its catalog describes it, on the source or on the target. Immutable.
///
/// @param key columns of the primary key in key order; for a source table the columns of the
///   replica identity; empty when the table has no key
public record Relation(TableId id, List<Column> columns, List<String> key) {

    public Relation {
        columns = List.copyOf(columns);
        key = List.copyOf(key);
    }

    public Optional<Column> column(String name) {
        return columns.stream().filter(column -> column.name().equals(name)).findFirst();
    }

    /// @param generated the table computes the value (`GENERATED ALWAYS AS (..) STORED` or
    ///   `VIRTUAL`): the source does not send it and the target does not accept it
    /// @param defaulted a row without this column gets a value: it has a DEFAULT or is an identity
    public record Column(
            String name,
            SqlType type,
            boolean notNull,
            boolean generated,
            Collation collation,
            boolean defaulted) {

        /// A column that counts as having a default because its default was not read.
        public Column(
                String name,
                SqlType type,
                boolean notNull,
                boolean generated,
                Collation collation) {
            this(name, type, notNull, generated, collation, true);
        }
    }

    /// @param schema the type's schema; `pg_catalog` for built-in types
    /// @param name the catalog's name: `int4`, `numeric`, `_text`
    /// @param formatted what `format_type` prints: `integer`, `numeric(12,2)`, `text[]`
    /// @param modifier `atttypmod`, -1 when there is none
    /// @param base the base type of a domain, else empty
    /// @param enumerated true for an enum
    public record SqlType(
            String schema,
            String name,
            String formatted,
            int modifier,
            Optional<SqlType> base,
            boolean enumerated) {

        /// A type that is not an enum.
        public SqlType(
                String schema,
                String name,
                String formatted,
                int modifier,
                Optional<SqlType> base) {
            this(schema, name, formatted, modifier, base, false);
        }

        /// Whether a cast to this type can change a value of its base type: it has a length or a
        /// precision.
        public boolean isModified() {
            return modifier >= 0 || base.filter(SqlType::isModified).isPresent();
        }

        /// The type in which values of a key are compared, without its modifier. A domain over an
        /// enum has no comparison of enums, and a modifier would make another key of a value that
        /// the column cannot have; both have the base type.
        public SqlType compared() {
            SqlType innermost = ValueType.base(this);
            return innermost.enumerated() || isModified() ? innermost : this;
        }
    }

    /// The collation of a column: how its text compares and changes case.
    ///
    /// @param name the name as written in SQL after COLLATE, unquoted; empty for types without a
    ///   collation
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
