package dev.millrace.sql;

import java.util.Map;
import java.util.Optional;

/// The type of an expression's value: the kind that it is computed as, and the type's description
/// in the catalog. Immutable.
public record ValueType(Kind kind, Relation.SqlType sql) {

    /// PostgreSQL adds this to a stored modifier (VARHDRSZ).
    private static final int HEADER = 4;

    /// The kinds by the names of their types in `pg_type`.
    static final Map<String, Kind> CATALOG_NAMES =
            Map.ofEntries(
                    Map.entry("int2", Kind.INT2),
                    Map.entry("int4", Kind.INT4),
                    Map.entry("int8", Kind.INT8),
                    Map.entry("numeric", Kind.NUMERIC),
                    Map.entry("text", Kind.TEXT),
                    Map.entry("varchar", Kind.VARCHAR),
                    Map.entry("bpchar", Kind.BPCHAR),
                    Map.entry("bool", Kind.BOOL),
                    Map.entry("date", Kind.DATE),
                    Map.entry("timestamp", Kind.TIMESTAMP),
                    Map.entry("timestamptz", Kind.TIMESTAMPTZ),
                    Map.entry("uuid", Kind.UUID));

    public static final ValueType INT4 = of(Kind.INT4);
    public static final ValueType TEXT = of(Kind.TEXT);
    public static final ValueType BOOL = of(Kind.BOOL);
    public static final ValueType UNTYPED = of(Kind.UNTYPED);

    public static ValueType of(Kind kind) {
        return of(kind, -1, kind == Kind.UNTYPED ? "text" : kind.sqlName());
    }

    static ValueType numeric(int precision, int scale) {
        int modifier = (precision << 16 | scale & 0x7ff) + HEADER;
        return of(Kind.NUMERIC, modifier, "numeric(" + precision + "," + scale + ")");
    }

    /// @param kind VARCHAR or BPCHAR
    static ValueType characters(Kind kind, int length) {
        return of(kind, length + HEADER, kind.sqlName() + "(" + length + ")");
    }

    private static ValueType of(Kind kind, int modifier, String formatted) {
        return new ValueType(
                kind,
                new Relation.SqlType(
                        "pg_catalog", kind.catalogName(), formatted, modifier, Optional.empty()));
    }

    /// The type of a column. A domain is computed as its base type.
    public static ValueType ofColumn(Relation.SqlType type) {
        Relation.SqlType base = base(type);
        Kind kind =
                base.schema().equals("pg_catalog")
                        ? CATALOG_NAMES.getOrDefault(base.name(), Kind.COPIED)
                        : Kind.COPIED;
        return new ValueType(kind, type);
    }

    public static Relation.SqlType base(Relation.SqlType type) {
        Relation.SqlType base = type;
        while (base.base().isPresent()) {
            base = base.base().get();
        }
        return base;
    }

    public int modifier() {
        return base(sql).modifier();
    }

    public boolean isConstrained() {
        return modifier() >= 0;
    }

    /// Length of varchar(n) or char(n).
    public int length() {
        return modifier() - HEADER;
    }

    public int precision() {
        return modifier() - HEADER >> 16 & 0xffff;
    }

    public int scale() {
        return ((modifier() - HEADER & 0x7ff) ^ 1024) - 1024;
    }

    /// The same type without its modifier and domain.
    public ValueType unconstrained() {
        return kind == Kind.COPIED ? this : of(kind);
    }

    public String description() {
        return kind == Kind.UNTYPED ? "an untyped string" : sql.formatted();
    }
}
