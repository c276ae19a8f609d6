package dev.millrace.select;

import java.util.Set;

/// The types without arithmetic here whose cast to text is the very text that travels.
final class CopiedText {

    private static final Set<String> NAMES =
            Set.of("json", "jsonb", "float4", "float8", "time", "interval");

    private CopiedText() {}

    static boolean isExact(ValueType type) {
        Relation.SqlType base = ValueType.base(type.sql());
        return base.schema().equals("pg_catalog") && NAMES.contains(base.name());
    }
}
