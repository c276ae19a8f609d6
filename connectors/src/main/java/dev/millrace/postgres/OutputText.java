package dev.millrace.postgres;

import dev.millrace.sql.Relation.SqlType;
import java.util.Set;

/// SQL for the text that the output function of a value's type prints, which is the text that
/// logical decoding sends. A cast to text can print another one: `xml` keeps its declaration,
/// `inet` its full mask, `char(n)` loses its blanks, and a type of the user's may have a cast of
/// the user's. Pure; any thread.
public final class OutputText {

    /// Built-in types that have no function for a cast to text, unless a superuser makes one.
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

    /// @param value an SQL expression, evaluated twice where its type has a cast of its own
    /// @param type of the value; for a domain the type below counts
    public static String of(String value, SqlType type) {
        SqlType base = type;
        while (base.base().isPresent()) {
            base = base.base().get();
        }
        return of(value, base.schema(), base.name());
    }

    /// @param schema of the type, which is no domain
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
