package dev.millrace.postgres;

import dev.millrace.change.TableId;

/// The one quoting of the program. Names are always quoted, so that case, dots, blanks and reserved
/// words mean what the catalog says. Pure; any thread.
public final class Identifier {

    private Identifier() {}

    /// @throws IllegalArgumentException for an empty name and for one with a NUL, which PostgreSQL
    ///   has none of
    public static String quote(String name) {
        if (name.isEmpty()) {
            throw new IllegalArgumentException("an identifier has at least one character");
        }
        return '"' + withoutNul(name).replace("\"", "\"\"") + '"';
    }

    public static String quote(TableId table) {
        return quote(table.schema()) + '.' + quote(table.name());
    }

    /// A string constant that reads the same whatever `standard_conforming_strings` says.
    public static String literal(String text) {
        String doubled = withoutNul(text).replace("'", "''");
        return doubled.indexOf('\\') < 0
                ? "'" + doubled + "'"
                : " E'" + doubled.replace("\\", "\\\\") + "'";
    }

    private static String withoutNul(String text) {
        if (text.indexOf('\0') >= 0) {
            throw new IllegalArgumentException("PostgreSQL has no character U+0000");
        }
        return text;
    }
}
