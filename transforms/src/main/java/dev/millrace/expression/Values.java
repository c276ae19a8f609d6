package dev.millrace.expression;

import dev.millrace.sql.Kind;

/// Reads and prints values as PostgreSQL's text. Thread-safe.
public final class Values {

    private Values() {}

    static Object read(Kind kind, String text) {
        return switch (kind) {
            case INT2, INT4, INT8 -> Literals.integer(text, kind);
            case NUMERIC -> Literals.numeric(text);
            case BOOL -> Literals.bool(text);
            case TEXT, VARCHAR, BPCHAR, DATE, TIMESTAMP, TIMESTAMPTZ, UUID, UNTYPED, COPIED -> text;
        };
    }

    /// The text that the type's output function prints.
    public static String print(Object value) {
        return switch (value) {
            case Boolean truth -> truth ? "t" : "f";
            case Numeric number -> number.text();
            default -> value.toString();
        };
    }

    /// The text that a cast to text prints.
    static String cast(Object value) {
        return value instanceof Boolean truth ? truth.toString() : print(value);
    }
}
