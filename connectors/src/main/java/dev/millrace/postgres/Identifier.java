package dev.millrace.postgres;

import dev.millrace.change.TableId;

/// Quotes identifiers and string constants. The only place that does so. Names are always quoted,
/// so that case, dots, spaces and reserved words keep their meaning. Pure; thread-safe.
public final class Identifier {

    private Identifier() {}

    /// @throws IllegalArgumentException if the name is empty or contains U+0000, which PostgreSQL
    ///   does not support
    public static String quote(String name) {
        if (name.isEmpty()) {
            throw new IllegalArgumentException("An identifier must not be empty.");
        }
        return '"' + withoutNul(name).replace("\"", "\"\"") + '"';
    }

    public static String quote(TableId table) {
        return quote(table.schema()) + '.' + quote(table.name());
    }

    /// A string constant that means the same for every value of `standard_conforming_strings`.
    public static String literal(String text) {
        String doubled = withoutNul(text).replace("'", "''");
        return doubled.indexOf('\\') < 0
                ? "'" + doubled + "'"
                : " E'" + doubled.replace("\\", "\\\\") + "'";
    }

    private static String withoutNul(String text) {
        if (text.indexOf('\0') >= 0) {
            throw new IllegalArgumentException("PostgreSQL does not support the character U+0000.");
        }
        return text;
    }
}
