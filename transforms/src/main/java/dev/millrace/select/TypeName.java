package dev.millrace.select;

import java.util.List;

/// A type as a CAST names it.
///
/// @param name in the words of the text, folded: `double precision`, `varchar`
/// @param quoted the name was quoted, so `"char"` is not `char`
/// @param array with brackets behind it
record TypeName(int at, String name, boolean quoted, List<Integer> modifiers, boolean array) {

    TypeName {
        modifiers = List.copyOf(modifiers);
    }

    String sql() {
        StringBuilder sql = new StringBuilder(quoted ? SqlRenderer.quoted(name) : name);
        if (!modifiers.isEmpty()) {
            sql.append('(');
            for (int i = 0; i < modifiers.size(); i++) {
                sql.append(i == 0 ? "" : ",").append(modifiers.get(i));
            }
            sql.append(')');
        }
        return sql.append(array ? "[]" : "").toString();
    }
}
