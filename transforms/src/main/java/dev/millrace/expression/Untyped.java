package dev.millrace.expression;

import dev.millrace.sql.Kind;
import dev.millrace.sql.Refusal;
import dev.millrace.sql.ValueType;
import java.util.Locale;
import java.util.regex.Pattern;

/// Gives a string constant the type that its surroundings ask for, by that type's input rules.
public final class Untyped {

    private static final Pattern UUID_TEXT =
            Pattern.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}");

    private Untyped() {}

    /// The constant as text, when it has no other type.
    static Typed asText(Typed typed) {
        return typed.isUntyped() ? typed.as(ValueType.TEXT) : typed;
    }

    /// @param kind any but COPIED
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
                    at, "this is no uuid in its plain form", "write it as 8-4-4-4-12 hex digits");
        }
        return lower;
    }
}
