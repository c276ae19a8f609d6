package dev.millrace.expression;

import dev.millrace.sql.Kind;

/// PostgreSQL's text of a value, read and written.
public final class Values {

    private Values() {}

    static Object read(Kind kind, String text) {
        return switch (kind) {
            case INT2, INT4, INT8 -> Literals.whole(text, kind);
            case NUMERIC -> Literals.numeric(text);
            case BOOL -> Literals.bool(text);
            case TEXT, VARCHAR, BPCHAR, DATE, TIMESTAMP, TIMESTAMPTZ, UUID, UNTYPED, COPIED -> text;
        };
    }

    /// As the type's output function prints it.
    public static String print(Object value) {
        return switch (value) {
            case Boolean truth -> truth ? "t" : "f";
            case Numeric number -> number.text();
            default -> value.toString();
        };
    }

    /// As a cast to text prints it.
    static String cast(Object value) {
        return value instanceof Boolean truth ? truth.toString() : print(value);
    }
}
