package dev.millrace.digest;

import dev.millrace.postgres.Identifier;
import dev.millrace.postgres.OutputText;
import dev.millrace.sql.Relation.SqlType;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// One target column, and the SQL that prints its value as text on either side: as the output
/// function of the column's type prints it, like the texts in the log.
///
/// @param type the column's type as `format_type` prints it, domains resolved
/// @param schema the schema of that type
/// @param typeName the name of that type in the catalog
/// @param castable the type for a cast on the source, without a length that would truncate
///   silently; `null` for a type that is not built in, because the source may not have it
/// @param output the type of the mapping's output on the source
record ColumnText(
        String name,
        String type,
        String schema,
        String typeName,
        @Nullable String castable,
        SqlType output) {

    private static final Set<String> INTEGERS = Set.of("smallint", "integer", "bigint");

    /// Types whose values have one order on all servers.
    private static final Set<String> ORDERED =
            Set.of(
                    "int2",
                    "int4",
                    "int8",
                    "oid",
                    "numeric",
                    "uuid",
                    "bytea",
                    "date",
                    "timestamp",
                    "timestamptz");

    /// Types whose order depends on a collation, and collations differ between servers.
    private static final Set<String> COLLATED = Set.of("text", "varchar");

    private static final Set<String> TEXTS = Set.of("text", "character varying");

    String onTarget(String row) {
        return print(row + "." + Identifier.quote(name));
    }

    /// A value reaches the target as text, so the target must contain that text as the target's
    /// type reads it.
    String onSource(String row) {
        String sent = OutputText.of(row + "." + Identifier.quote(name), output);
        return sameType() || castable == null ? sent : canonical(sent);
    }

    /// The text that a value of the column prints for the given text. Works on either side for
    /// built-in types.
    String canonical(String text) {
        return castable == null ? text : print("CAST(" + text + " AS " + castable + ")");
    }

    private String print(String value) {
        return OutputText.of(value, schema, typeName);
    }

    boolean sameType() {
        return output.formatted().equals(type);
    }

    /// Whether every text of the mapping is the text that the column prints.
    boolean isCanonical() {
        return castable == null || sameType() || TEXTS.contains(castable);
    }

    /// Whether the source can find a key by an index: it has the column's type, which is built in.
    boolean isIndexable() {
        return castable != null && sameType();
    }

    /// The name of the type if it is built in and the same on both sides, else empty.
    String typeOnBothSides() {
        return castable != null && sameType() ? typeName : "";
    }

    /// Whether the values of both sides have one order, at least if their collations are the same.
    boolean isOrdered() {
        return ORDERED.contains(typeOnBothSides()) || isInteger() || isCollated();
    }

    /// Whether the order of the values depends on a collation.
    boolean isCollated() {
        return COLLATED.contains(typeOnBothSides());
    }

    /// The type of a bound of a range.
    String rangeType() {
        return isInteger() ? "bigint" : type;
    }

    private boolean isInteger() {
        return castable != null
                && INTEGERS.contains(type)
                && output.schema().equals("pg_catalog")
                && INTEGERS.contains(output.formatted());
    }
}
