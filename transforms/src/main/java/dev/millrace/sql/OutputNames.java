package dev.millrace.sql;

import dev.millrace.sql.Node.TypeName;
import org.jspecify.annotations.Nullable;

/// Derives the name that PostgreSQL gives a result column without an alias (FigureColname).
final class OutputNames {

    private enum Strength {
        NONE,
        TYPE,
        NAME
    }

    private record Name(Strength strength, @Nullable String text) {
        static final Name NONE = new Name(Strength.NONE, null);
    }

    private OutputNames() {}

    /// `null` where PostgreSQL uses `?column?`.
    static @Nullable String of(Node node) {
        return name(node).text();
    }

    private static Name name(Node node) {
        return switch (node) {
            case Node.Column(_, _, String name) -> new Name(Strength.NAME, name);
            case Node.Cast(_, Node operand, TypeName type) -> {
                Name inner = name(operand);
                yield inner.strength() == Strength.NAME
                        ? inner
                        : new Name(Strength.TYPE, typeName(type));
            }
            case Node.Case(_, _, _, Node otherwise) -> {
                Name inner = otherwise == null ? Name.NONE : name(otherwise);
                yield inner.strength() == Strength.NAME ? inner : new Name(Strength.TYPE, "case");
            }
            case Node.Coalesce _ -> new Name(Strength.NAME, "coalesce");
            case Node.NullIf _ -> new Name(Strength.NAME, "nullif");
            case Node.Call(_, String name, _, _) -> new Name(Strength.NAME, name);
            case Node.Number _,
                    Node.Text _,
                    Node.Null _,
                    Node.Truth _,
                    Node.Sign _,
                    Node.Binary _,
                    Node.Not _,
                    Node.And _,
                    Node.Or _,
                    Node.IsDistinct _,
                    Node.IsNull _,
                    Node.IsTruth _,
                    Node.In _,
                    Node.Between _,
                    Node.Like _,
                    Node.Refused _ ->
                    Name.NONE;
        };
    }

    private static String typeName(TypeName type) {
        return switch (type.quoted() ? "" : type.name()) {
            case "int", "integer" -> "int4";
            case "bigint" -> "int8";
            case "smallint" -> "int2";
            case "decimal", "dec" -> "numeric";
            case "boolean" -> "bool";
            case "char" -> "bpchar";
            default -> type.name();
        };
    }
}
