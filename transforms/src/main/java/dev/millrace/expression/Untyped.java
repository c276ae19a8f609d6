package dev.millrace.expression;

import dev.millrace.sql.Kind;
import dev.millrace.sql.Refusal;
import dev.millrace.sql.ValueType;
import java.util.Locale;
import java.util.regex.Pattern;

/// Gives a string literal the type that its context requires, by that type's input rules.
/// Thread-safe.
public final class Untyped {

    private static final Pattern UUID_TEXT =
            Pattern.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}");

    private Untyped() {}

    /// The literal as text, when it has no other type.
    static Typed asText(Typed typed) {
        return typed.isUntyped() ? typed.as(ValueType.TEXT) : typed;
    }

    /// @param kind any kind except COPIED
    public static Typed as(Typed literal, Kind kind) {
        if (!literal.isUntyped()) {
            return literal;
        }
        Object value = literal.value();
        ValueType type = ValueType.of(kind == Kind.VARCHAR ? Kind.TEXT : kind);
        return Typed.constant(
                literal.at(),
                type,
                value == null ? null : read(literal.at(), kind, (String) value));
    }

    private static Object read(int at, Kind kind, String text) {
        try {
            return switch (kind) {
                case DATE, TIMESTAMP, TIMESTAMPTZ -> TimeText.literal(at, kind, text);
                case UUID -> uuid(at, text);
                case INT2, INT4, INT8, NUMERIC, BOOL, TEXT, VARCHAR, BPCHAR, UNTYPED, COPIED ->
                        Values.read(kind, text);
            };
        } catch (RowError error) {
            throw new Refusal(at, error.reason(), "write a value of that type");
        }
    }

    private static String uuid(int at, String text) {
        String lower = text.toLowerCase(Locale.ROOT);
        if (!UUID_TEXT.matcher(lower).matches()) {
            throw new Refusal(
                    at,
                    "this is not a uuid in its plain form",
                    "write it as 8-4-4-4-12 hex" + " digits");
        }
        return lower;
    }
}
