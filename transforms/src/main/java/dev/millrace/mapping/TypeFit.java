package dev.millrace.mapping;

import dev.millrace.sql.Kind;
import dev.millrace.sql.Relation;
import dev.millrace.sql.ValueType;
import java.util.Set;

/// Decides whether a column of one type accepts every value of another, as text, and returns the
/// same value. Thread-safe.
public final class TypeFit {

    /// Types whose modifier is a precision of fractional seconds.
    private static final Set<String> WITH_PRECISION =
            Set.of("timestamp", "timestamptz", "time", "timetz");

    private TypeFit() {}

    public static boolean fits(ValueType from, ValueType to) {
        Relation.SqlType source = ValueType.base(from.sql());
        Relation.SqlType target = ValueType.base(to.sql());
        if (isSameName(source, target)) {
            return fitsModifier(from, to, target);
        }
        Kind one = from.kind();
        Kind other = to.kind();
        if (one.isInteger() && other.isInteger()) {
            return one.compareTo(other) <= 0;
        }
        if (one.isInteger() && other == Kind.NUMERIC) {
            return !to.isConstrained() || to.scale() == 0 && to.precision() >= digits(one);
        }
        return one.isPlainText() && other.isPlainText() && fitsLength(from, to);
    }

    /// Compares built-in types by their catalog names, and other types by their names without the
    /// schema.
    private static boolean isSameName(Relation.SqlType source, Relation.SqlType target) {
        boolean builtIn = source.schema().equals("pg_catalog");
        return source.name().equals(target.name())
                && builtIn == target.schema().equals("pg_catalog");
    }

    private static boolean fitsModifier(ValueType from, ValueType to, Relation.SqlType target) {
        if (to.modifier() == from.modifier() || to.modifier() < 0) {
            return true;
        }
        if (from.modifier() < 0) {
            return false;
        }
        return switch (to.kind()) {
            case NUMERIC -> from.scale() == to.scale() && from.precision() <= to.precision();
            case VARCHAR -> fitsLength(from, to);
            default ->
                    (WITH_PRECISION.contains(target.name()) || target.name().equals("varbit"))
                            && from.modifier() <= to.modifier();
        };
    }

    private static boolean fitsLength(ValueType from, ValueType to) {
        return !to.isConstrained() || from.isConstrained() && from.length() <= to.length();
    }

    private static int digits(Kind kind) {
        return switch (kind) {
            case INT2 -> 5;
            case INT4 -> 10;
            default -> 19;
        };
    }
}
