package dev.millrace.postgres;

import dev.millrace.sql.Relation.SqlType;
import java.util.Set;

/// Renders SQL for the text that a type's output function prints, which is the text that logical
/// decoding sends. A cast to text can print something else: `xml` keeps its declaration, `inet` its
/// full mask, `char(n)` loses its trailing blanks, and a user-defined type may have a user-defined
/// cast. Pure; thread-safe.
public final class OutputText {

    /// Built-in types whose cast to text uses the output function, unless a superuser creates a
    /// cast.
    private static final Set<String> CAST_PRINTS =
            Set.of(
                    "text",
                    "varchar",
                    "int2",
                    "int4",
                    "int8",
                    "numeric",
                    "float4",
                    "float8",
                    "oid",
                    "bytea",
                    "date",
                    "time",
                    "timetz",
                    "timestamp",
                    "timestamptz",
                    "interval",
                    "uuid",
                    "json",
                    "jsonb");

    private OutputText() {}

    /// @param value an SQL expression; evaluated twice for types that are not cast directly
    /// @param type type of the value; a domain is resolved to its base type
    public static String of(String value, SqlType type) {
        SqlType base = type;
        while (base.base().isPresent()) {
            base = base.base().get();
        }
        return of(value, base.schema(), base.name());
    }

    /// @param schema schema of the type, which is not a domain
    public static String of(String value, String schema, String type) {
        return schema.equals("pg_catalog") && CAST_PRINTS.contains(type)
                ? value + "::text"
                : "CASE WHEN "
                        + value
                        + " IS DISTINCT FROM NULL THEN pg_catalog.concat("
                        + value
                        + ") END";
    }
}
