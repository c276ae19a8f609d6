package dev.millrace.sql;

import java.math.BigInteger;

/// The types that expressions compute with, and two more: a string literal whose type is not yet
/// known, and every other type, which can only be copied.
public enum Kind {
    INT2("int2", "smallint"),
    INT4("int4", "integer"),
    INT8("int8", "bigint"),
    NUMERIC("numeric", "numeric"),
    TEXT("text", "text"),
    VARCHAR("varchar", "character varying"),
    BPCHAR("bpchar", "character"),
    BOOL("bool", "boolean"),
    DATE("date", "date"),
    TIMESTAMP("timestamp", "timestamp without time zone"),
    TIMESTAMPTZ("timestamptz", "timestamp with time zone"),
    UUID("uuid", "uuid"),
    UNTYPED("text", "unknown"),
    COPIED("", "");

    private final String catalogName;
    private final String sqlName;

    Kind(String catalogName, String sqlName) {
        this.catalogName = catalogName;
        this.sqlName = sqlName;
    }

    String catalogName() {
        return catalogName;
    }

    public String sqlName() {
        return sqlName;
    }

    public boolean isInteger() {
        return this == INT2 || this == INT4 || this == INT8;
    }

    public boolean isNumber() {
        return isInteger() || this == NUMERIC;
    }

    /// text and varchar; expressions treat both alike.
    public boolean isPlainText() {
        return this == TEXT || this == VARCHAR;
    }

    public boolean isText() {
        return isPlainText() || this == BPCHAR;
    }

    public boolean isTime() {
        return this == DATE || this == TIMESTAMP || this == TIMESTAMPTZ;
    }

    public boolean contains(long value) {
        return switch (this) {
            case INT2 -> value == (short) value;
            case INT4 -> value == (int) value;
            default -> true;
        };
    }

    public boolean contains(BigInteger value) {
        return value.bitLength() < Long.SIZE && contains(value.longValueExact());
    }
}
