package dev.millrace.sql;

import dev.millrace.sql.Node.TypeName;
import java.util.List;
import java.util.stream.Collectors;

/// Renders a tree as SQL with a parenthesis around every operation, and with resolved names. Adds
/// nothing that the text does not say, such as an implicit cast: the source's plans of the two
/// texts are then equal exactly when the trees are equal. All quoting of this package is here.
/// Thread-safe.
public final class SqlRenderer {

    private SqlRenderer() {}

    public static String quoted(String name) {
        return '"' + name.replace("\"", "\"\"") + '"';
    }

    private static String literal(String value) {
        return value.indexOf('\\') < 0
                ? "'" + value.replace("'", "''") + "'"
                : "E'" + value.replace("\\", "\\\\").replace("'", "''") + "'";
    }

    public static String sql(Node node) {
        return switch (node) {
            case Node.Column column -> column(column);
            case Node.Number(_, String digits, _) ->
                    digits.startsWith("-") ? "(" + digits + ")" : digits;
            case Node.Text(_, String value) -> literal(value);
            case Node.Truth(_, boolean value) -> value ? "TRUE" : "FALSE";
            case Node.Null _ -> "NULL";
            case Node.Cast(_, Node operand, TypeName type) ->
                    "CAST(" + sql(operand) + " AS " + type.sql() + ")";
            case Node.Sign(_, boolean minus, Node operand) ->
                    "(" + (minus ? "- " : "+ ") + sql(operand) + ")";
            case Node.Binary(_, String operator, Node left, Node right) ->
                    "(" + sql(left) + " " + operator + " " + sql(right) + ")";
            case Node.Not(_, Node operand) -> "(NOT " + sql(operand) + ")";
            case Node.And(_, Node left, Node right) -> "(" + sql(left) + " AND " + sql(right) + ")";
            case Node.Or(_, Node left, Node right) -> "(" + sql(left) + " OR " + sql(right) + ")";
            case Node.IsDistinct distinct ->
                    "("
                            + sql(distinct.left())
                            + (distinct.negated() ? " IS NOT DISTINCT FROM " : " IS DISTINCT FROM ")
                            + sql(distinct.right())
                            + ")";
            case Node.IsNull(_, Node operand, boolean negated) ->
                    "(" + sql(operand) + (negated ? " IS NOT NULL)" : " IS NULL)");
            case Node.IsTruth(_, Node operand, Node.IsTruth.Verdict verdict, boolean negated) ->
                    "(" + sql(operand) + (negated ? " IS NOT " : " IS ") + verdict + ")";
            case Node.In(_, Node operand, List<Node> items, boolean negated) ->
                    "(" + sql(operand) + (negated ? " NOT" : "") + " IN (" + list(items) + "))";
            case Node.Between between -> between(between);
            case Node.Like like -> like(like);
            case Node.Case choice -> choice(choice);
            case Node.Coalesce(_, List<Node> arguments) -> "COALESCE(" + list(arguments) + ")";
            case Node.NullIf(_, Node left, Node right) ->
                    "NULLIF(" + sql(left) + ", " + sql(right) + ")";
            case Node.Call call -> call(call);
            case Node.Refused _ -> throw new IllegalStateException("a refused part has no SQL");
        };
    }

    private static String list(List<Node> nodes) {
        return nodes.stream().map(SqlRenderer::sql).collect(Collectors.joining(", "));
    }

    private static String column(Node.Column column) {
        StringBuilder sql = new StringBuilder();
        column.qualifier().forEach(part -> sql.append(quoted(part)).append('.'));
        return sql.append(quoted(column.name())).toString();
    }

    private static String between(Node.Between between) {
        return "("
                + sql(between.operand())
                + (between.negated() ? " NOT BETWEEN " : " BETWEEN ")
                + sql(between.low())
                + " AND "
                + sql(between.high())
                + ")";
    }

    private static String like(Node.Like like) {
        Node escape = like.escape();
        return "("
                + sql(like.operand())
                + (like.negated() ? " NOT LIKE " : " LIKE ")
                + sql(like.pattern())
                + (escape == null ? "" : " ESCAPE " + sql(escape))
                + ")";
    }

    private static String choice(Node.Case choice) {
        StringBuilder sql = new StringBuilder("(CASE");
        Node subject = choice.subject();
        if (subject != null) {
            sql.append(' ').append(sql(subject));
        }
        for (Node.Case.When when : choice.whens()) {
            sql.append(" WHEN ").append(sql(when.condition()));
            sql.append(" THEN ").append(sql(when.result()));
        }
        Node otherwise = choice.otherwise();
        if (otherwise != null) {
            sql.append(" ELSE ").append(sql(otherwise));
        }
        return sql.append(" END)").toString();
    }

    private static String call(Node.Call call) {
        List<Node> arguments = call.arguments();
        if (call.syntax() == Node.Call.Syntax.PLAIN) {
            return quoted(call.name()) + "(" + list(arguments) + ")";
        }
        if (call.name().equals("substring")) {
            return "SUBSTRING("
                    + sql(arguments.get(0))
                    + " FROM "
                    + sql(arguments.get(1))
                    + (arguments.size() > 2 ? " FOR " + sql(arguments.get(2)) : "")
                    + ")";
        }
        String side =
                switch (call.name()) {
                    case "ltrim" -> "LEADING ";
                    case "rtrim" -> "TRAILING ";
                    default -> "BOTH ";
                };
        String characters = arguments.size() > 1 ? sql(arguments.get(1)) + " " : "";
        return "TRIM(" + side + characters + "FROM " + sql(arguments.getFirst()) + ")";
    }
}
