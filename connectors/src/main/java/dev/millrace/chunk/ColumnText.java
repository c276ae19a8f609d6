package dev.millrace.chunk;

import dev.millrace.postgres.Identifier;
import dev.millrace.select.Relation.SqlType;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// One target column and how both sides write its value as text.
///
/// @param type the column's type as `format_type` prints it, domains resolved
/// @param castable the type to cast to on the source, without a length that would cut in silence;
///   `null` when the type isn't a built-in one, which the source need not have
record ColumnText(String name, String type, @Nullable String castable, SqlType output) {

    private static final Set<String> TEXTS = Set.of("text", "character varying");

    /// Types whose text that travels isn't the one that a cast prints.
    private static final Set<String> CAST_OTHERWISE = Set.of("boolean", "bpchar", "inet", "money");

    String onTarget(String row) {
        return row + "." + Identifier.quote(name) + "::text";
    }

    /// A value travels to the target as text, so it is the target type's reading of that text which
    /// the target must hold.
    String onSource(String row) {
        String value = row + "." + Identifier.quote(name);
        return sameType() || castable == null ? value + "::text" : reread(value + "::text");
    }

    /// The text as a value of the column would print it. For built-in types on either side.
    String reread(String text) {
        return castable == null ? text : "CAST(" + text + " AS " + castable + ")::text";
    }

    boolean sameType() {
        return output.formatted().equals(type);
    }

    /// True when a text is the column's own text already.
    boolean isCanonical() {
        return castable == null
                || !CAST_OTHERWISE.contains(castable) && (sameType() || TEXTS.contains(castable));
    }

    /// True when the source can find a key by an index: its type is the column's and built in.
    boolean sameBuiltIn() {
        return castable != null && sameType();
    }
}
