package dev.millrace.sql;

import dev.millrace.sql.Node.TypeName;
import java.util.Map;

/// The types that a CAST supports, with their modifiers.
public final class CastTarget {

    private static final int MAX_PRECISION = 1000;
    private static final int MAX_LENGTH = 10_485_760;

    private static final Map<String, Kind> NAMES =
            Map.ofEntries(
                    Map.entry("smallint", Kind.INT2),
                    Map.entry("int", Kind.INT4),
                    Map.entry("integer", Kind.INT4),
                    Map.entry("bigint", Kind.INT8),
                    Map.entry("decimal", Kind.NUMERIC),
                    Map.entry("dec", Kind.NUMERIC),
                    Map.entry("boolean", Kind.BOOL),
                    Map.entry("char", Kind.BPCHAR));

    private CastTarget() {}

    /// @throws Refusal when a CAST to this type is not supported
    public static ValueType of(TypeName name) {
        Kind kind = ValueType.CATALOG_NAMES.get(name.name());
        if (kind == null && !name.quoted()) {
            kind = NAMES.get(name.name());
        }
        boolean modified = !name.modifiers().isEmpty();
        if (kind == null || name.array() || modified && !kind.isText() && kind != Kind.NUMERIC) {
            throw new Refusal(
                    name.at(),
                    "a CAST to " + name.sql() + " is not supported",
                    "CAST supports smallint, integer, bigint, numeric, text, varchar, char,"
                            + " boolean, date, timestamp, timestamptz and uuid");
        }
        if (!modified) {
            return ValueType.of(kind);
        }
        int first = name.modifiers().getFirst();
        if (kind == Kind.NUMERIC) {
            int scale = name.modifiers().size() > 1 ? name.modifiers().get(1) : 0;
            boolean legal =
                    first >= 1
                            && first <= MAX_PRECISION
                            && Math.abs(scale) <= MAX_PRECISION
                            && name.modifiers().size() <= 2;
            return legal ? ValueType.numeric(first, scale) : illegalModifier(name);
        }
        boolean legal =
                first >= 1
                        && first <= MAX_LENGTH
                        && kind != Kind.TEXT
                        && name.modifiers().size() == 1;
        return legal ? ValueType.characters(kind, first) : illegalModifier(name);
    }

    private static ValueType illegalModifier(TypeName name) {
        throw new Refusal(name.at(), "the type " + name.sql() + " does not exist", "");
    }
}
