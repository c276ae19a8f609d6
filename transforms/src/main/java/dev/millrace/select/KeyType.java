package dev.millrace.select;

import java.util.Set;

/// The types that can make a key: equal values are equal texts. A key's text decides where the
/// changes of a row travel; were one value written in two ways, they would lose their order.
final class KeyType {

    static final String SUPPORTED =
            "a key takes smallint, integer, bigint, numeric(p,s), uuid, text, varchar, char(n),"
                    + " boolean, date, time, timestamp, timestamptz, bytea, bit, cidr, macaddr, oid"
                    + " and enums; choose a unique index over such NOT NULL columns: ALTER TABLE"
                    + " ... REPLICA IDENTITY USING INDEX ...";

    private static final Set<String> NAMES =
            Set.of(
                    "int2",
                    "int4",
                    "int8",
                    "uuid",
                    "text",
                    "varchar",
                    "name",
                    "char",
                    "bool",
                    "date",
                    "time",
                    "timestamp",
                    "timestamptz",
                    "bytea",
                    "bit",
                    "varbit",
                    "cidr",
                    "macaddr",
                    "macaddr8",
                    "oid");

    /// Types whose values have one text each only when the column fixes their size.
    private static final Set<String> WHEN_CONSTRAINED = Set.of("numeric", "bpchar");

    private KeyType() {}

    static boolean hasOneTextPerValue(Relation.Column column) {
        Relation.SqlType base = ValueType.base(column.type());
        if (base.enumerated()) {
            return true;
        }
        return base.schema().equals("pg_catalog")
                && column.collation().deterministic()
                && (NAMES.contains(base.name())
                        || WHEN_CONSTRAINED.contains(base.name()) && base.modifier() >= 0);
    }
}
