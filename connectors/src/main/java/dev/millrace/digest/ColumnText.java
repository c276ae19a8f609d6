package dev.millrace.digest;

import dev.millrace.postgres.Identifier;
import dev.millrace.postgres.OutputText;
import dev.millrace.sql.Relation.SqlType;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// One target column and how both sides write its value as text: as the output function of the
/// column's type prints it, like the text that travels.
///
/// @param type the column's type as `format_type` prints it, domains resolved
/// @param schema of that type
/// @param typeName the catalog's own name of that type
/// @param castable the type to cast to on the source, without a length that would cut in silence;
///   `null` when the type isn't a built-in one, which the source need not have
/// @param output the type of the mapping's output on the source
record ColumnText(
        String name,
        String type,
        String schema,
        String typeName,
        @Nullable String castable,
        SqlType output) {

    private static final Set<String> TEXTS = Set.of("text", "character varying");

    String onTarget(String row) {
        return print(row + "." + Identifier.quote(name));
    }

    /// A value travels to the target as text, so it is the target type's reading of that text which
    /// the target must hold.
    String onSource(String row) {
        String sent = OutputText.of(row + "." + Identifier.quote(name), output);
        return sameType() || castable == null ? sent : reread(sent);
    }

    /// The text as a value of the column would print it. For built-in types on either side.
    String reread(String text) {
        return castable == null ? text : print("CAST(" + text + " AS " + castable + ")");
    }

    private String print(String value) {
        return OutputText.of(value, schema, typeName);
    }

    boolean sameType() {
        return output.formatted().equals(type);
    }

    /// True when a text is the column's own text already.
    boolean isCanonical() {
        return castable == null || sameType() || TEXTS.contains(castable);
    }

    /// True when the source can find a key by an index: its type is the column's and built in.
    boolean sameBuiltIn() {
        return castable != null && sameType();
    }
}
