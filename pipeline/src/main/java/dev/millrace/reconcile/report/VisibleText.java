package dev.millrace.reconcile.report;

import java.util.Locale;
import org.jspecify.annotations.Nullable;

/// Texts of a database as a person may see them. Pure.
public final class VisibleText {

    private VisibleText() {}

    /// A value as in SQL, so that NULL is not a text and an empty text can be seen.
    public static String literal(@Nullable String value) {
        return value == null ? "NULL" : "'" + of(value).replace("'", "''") + "'";
    }

    /// Shows characters that move a cursor, change the reading direction or are not allowed in XML
    /// as code points.
    public static String of(String text) {
        StringBuilder out = new StringBuilder(text.length());
        text.codePoints()
                .forEach(
                        point -> {
                            int type = Character.getType(point);
                            if (type == Character.CONTROL
                                    || type == Character.FORMAT
                                    || type == Character.LINE_SEPARATOR
                                    || type == Character.PARAGRAPH_SEPARATOR
                                    || type == Character.SURROGATE
                                    || (point & 0xfffe) == 0xfffe) {
                                out.append(String.format(Locale.ROOT, "\\u{%x}", point));
                            } else {
                                out.appendCodePoint(point);
                            }
                        });
        return out.toString();
    }
}
