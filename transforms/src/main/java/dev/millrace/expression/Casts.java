package dev.millrace.expression;

import dev.millrace.sql.CastTarget;
import dev.millrace.sql.Kind;
import dev.millrace.sql.Node.TypeName;
import dev.millrace.sql.Refusal;
import dev.millrace.sql.Relation;
import dev.millrace.sql.ValueType;
import java.math.BigInteger;
import java.util.Set;

/// Compiles explicit casts, and the implicit casts of operators and functions. Thread-safe.
final class Casts {

    Typed cast(int at, Typed operand, TypeName name) {
        ValueType target = CastTarget.of(name);
        Kind from = operand.kind();
        Kind to = target.kind();
        if (operand.isUntyped() && !to.isText()) {
            return cast(at, Untyped.as(operand, to), target);
        }
        if (from == Kind.COPIED && !to.isText()) {
            throw unsupported(at, operand, target);
        }
        return cast(at, operand, target);
    }

    private Typed cast(int at, Typed operand, ValueType target) {
        Kind from = operand.kind();
        return switch (target.kind()) {
            case INT2, INT4, INT8 -> toInteger(at, operand, target);
            case NUMERIC -> constrained(at, explicitNumeric(at, operand, target), target);
            case BOOL -> toBool(at, operand, target);
            case TEXT, VARCHAR -> truncated(at, toText(operand).as(target), target);
            case BPCHAR ->
                    padded(
                            at,
                            (from == Kind.BPCHAR ? operand : toText(operand)).as(target),
                            target);
            case DATE, TIMESTAMP, TIMESTAMPTZ, UUID -> {
                if (from != target.kind() || operand.type().isConstrained()) {
                    throw unsupported(at, operand, target);
                }
                yield operand.as(target);
            }
            case UNTYPED, COPIED -> throw unsupported(at, operand, target);
        };
    }

    private static Typed toInteger(int at, Typed operand, ValueType target) {
        Kind from = operand.kind();
        Kind to = target.kind();
        if (from.isInteger()) {
            return Strict.one(
                    at, target, operand, value -> IntegerArithmetic.checked(to, (Long) value));
        }
        if (from == Kind.NUMERIC) {
            return Strict.one(at, target, operand, value -> integer(to, (Numeric) value));
        }
        if (from.isText()) {
            return Strict.one(at, target, operand, value -> Literals.integer((String) value, to));
        }
        if (from == Kind.BOOL && to == Kind.INT4) {
            return Strict.one(at, target, operand, value -> (Boolean) value ? 1L : 0L);
        }
        throw unsupported(at, operand, target);
    }

    private static Long integer(Kind kind, Numeric value) {
        BigInteger integer = value.toInteger(kind.sqlName());
        if (!kind.contains(integer)) {
            throw IntegerArithmetic.outOfRange(kind);
        }
        return integer.longValueExact();
    }

    private static Typed explicitNumeric(int at, Typed operand, ValueType target) {
        if (operand.kind().isNumber()) {
            return toNumeric(operand);
        }
        if (operand.kind().isText()) {
            return Strict.one(
                    at,
                    ValueType.of(Kind.NUMERIC),
                    operand,
                    value -> Literals.numeric((String) value));
        }
        throw unsupported(at, operand, target);
    }

    /// Casts a number to numeric.
    static Typed toNumeric(Typed operand) {
        return operand.kind() == Kind.NUMERIC
                ? operand
                : Strict.one(
                        operand.at(),
                        ValueType.of(Kind.NUMERIC),
                        operand,
                        value -> Numeric.of((Long) value));
    }

    private static Typed constrained(int at, Typed operand, ValueType target) {
        if (!target.isConstrained()) {
            return operand.as(target);
        }
        int precision = target.precision();
        int scale = target.scale();
        return Strict.one(
                at, target, operand, value -> ((Numeric) value).constrained(precision, scale));
    }

    private static Typed toBool(int at, Typed operand, ValueType target) {
        return switch (operand.kind()) {
            case BOOL -> operand.as(target);
            case INT4 -> Strict.one(at, target, operand, value -> (Long) value != 0);
            case TEXT, VARCHAR, BPCHAR ->
                    Strict.one(at, target, operand, value -> Literals.bool((String) value));
            default -> throw unsupported(at, operand, target);
        };
    }

    /// Casts to text, without the trailing blanks of `char(n)`.
    static Typed toText(Typed operand) {
        return switch (operand.kind()) {
            case TEXT, VARCHAR -> operand;
            case UNTYPED -> Untyped.asText(operand);
            case BPCHAR ->
                    Strict.one(
                            operand.at(),
                            ValueType.TEXT,
                            operand,
                            value -> TextFunctions.withoutTrailingBlanks((String) value));
            case COPIED -> {
                if (!CopiedText.isExact(operand.type())) {
                    throw unsupported(operand.at(), operand, ValueType.TEXT);
                }
                yield Strict.one(operand.at(), ValueType.TEXT, operand, Values::cast);
            }
            case INT2, INT4, INT8, NUMERIC, BOOL, DATE, TIMESTAMP, TIMESTAMPTZ, UUID ->
                    Strict.one(operand.at(), ValueType.TEXT, operand, Values::cast);
        };
    }

    private static Typed truncated(int at, Typed operand, ValueType target) {
        if (!target.isConstrained()) {
            return operand;
        }
        int length = target.length();
        return Strict.one(
                at, target, operand, value -> TextFunctions.truncated((String) value, length));
    }

    private static Typed padded(int at, Typed operand, ValueType target) {
        if (!target.isConstrained()) {
            return operand;
        }
        int length = target.length();
        return Strict.one(
                at, target, operand, value -> TextFunctions.padded((String) value, length));
    }

    private static Refusal unsupported(int at, Typed operand, ValueType target) {
        return new Refusal(
                at,
                "a CAST from "
                        + operand.type().description()
                        + " to "
                        + target.sql().formatted()
                        + " is not supported",
                "select the column unchanged");
    }

    /// The types that are only copied and whose cast to text is the text that the row carries.
    static final class CopiedText {

        private static final Set<String> NAMES =
                Set.of("json", "jsonb", "float4", "float8", "time", "interval");

        private CopiedText() {}

        static boolean isExact(ValueType type) {
            Relation.SqlType base = ValueType.base(type.sql());
            return base.schema().equals("pg_catalog") && NAMES.contains(base.name());
        }
    }
}
