package dev.millrace.sql;

import dev.millrace.sql.Node.TypeName;
import java.util.List;
import java.util.function.Function;
import java.util.stream.Collectors;

/// Renders a tree as SQL with a parenthesis around every operation, and with resolved names. Adds
/// nothing that the text does not say, such as an implicit cast: the source's plans of the two
/// texts are then equal exactly when the trees are equal. All quoting of this package is here.
/// Thread-safe.
public final class SqlRenderer {

    private final Function<Node.Column, String> columns;

    private SqlRenderer(Function<Node.Column, String> columns) {
        this.columns = columns;
    }

    public static String sql(Node node) {
        return sql(node, SqlRenderer::column);
    }

    /// Renders the tree over other values.
    ///
    /// @param columns the SQL of the value in place of each column
    public static String sql(Node node, Function<Node.Column, String> columns) {
        return new SqlRenderer(columns).rendered(node);
    }

    public static String quoted(String name) {
        return '"' + name.replace("\"", "\"\"") + '"';
    }

    private static String literal(String value) {
        return value.indexOf('\\') < 0
                ? "'" + value.replace("'", "''") + "'"
                : "E'" + value.replace("\\", "\\\\").replace("'", "''") + "'";
    }

    private String rendered(Node node) {
        return switch (node) {
            case Node.Column column -> columns.apply(column);
            case Node.Number(_, String digits, _) ->
                    digits.startsWith("-") ? "(" + digits + ")" : digits;
            case Node.Text(_, String value) -> literal(value);
            case Node.Truth(_, boolean value) -> value ? "TRUE" : "FALSE";
            case Node.Null _ -> "NULL";
            case Node.Cast(_, Node operand, TypeName type) ->
                    "CAST(" + rendered(operand) + " AS " + type.sql() + ")";
            case Node.Sign(_, boolean minus, Node operand) ->
                    "(" + (minus ? "- " : "+ ") + rendered(operand) + ")";
            case Node.Binary(_, String operator, Node left, Node right) ->
                    "(" + rendered(left) + " " + operator + " " + rendered(right) + ")";
            case Node.Not(_, Node operand) -> "(NOT " + rendered(operand) + ")";
            case Node.And(_, Node left, Node right) ->
                    "(" + rendered(left) + " AND " + rendered(right) + ")";
            case Node.Or(_, Node left, Node right) ->
                    "(" + rendered(left) + " OR " + rendered(right) + ")";
            case Node.IsDistinct distinct ->
                    "("
                            + rendered(distinct.left())
                            + (distinct.negated() ? " IS NOT DISTINCT FROM " : " IS DISTINCT FROM ")
                            + rendered(distinct.right())
                            + ")";
            case Node.IsNull(_, Node operand, boolean negated) ->
                    "(" + rendered(operand) + (negated ? " IS NOT NULL)" : " IS NULL)");
            case Node.IsTruth(_, Node operand, Node.IsTruth.Verdict verdict, boolean negated) ->
                    "(" + rendered(operand) + (negated ? " IS NOT " : " IS ") + verdict + ")";
            case Node.In(_, Node operand, List<Node> items, boolean negated) ->
                    "("
                            + rendered(operand)
                            + (negated ? " NOT" : "")
                            + " IN ("
                            + list(items)
                            + "))";
            case Node.Between between -> between(between);
            case Node.Like like -> like(like);
            case Node.Case choice -> choice(choice);
            case Node.Coalesce(_, List<Node> arguments) -> "COALESCE(" + list(arguments) + ")";
            case Node.NullIf(_, Node left, Node right) ->
                    "NULLIF(" + rendered(left) + ", " + rendered(right) + ")";
            case Node.Call call -> call(call);
            case Node.Refused _ -> throw new IllegalStateException("a refused part has no SQL");
        };
    }

    private String list(List<Node> nodes) {
        return nodes.stream().map(this::rendered).collect(Collectors.joining(", "));
    }

    private static String column(Node.Column column) {
        StringBuilder sql = new StringBuilder();
        column.qualifier().forEach(part -> sql.append(quoted(part)).append('.'));
        return sql.append(quoted(column.name())).toString();
    }

    private String between(Node.Between between) {
        return "("
                + rendered(between.operand())
                + (between.negated() ? " NOT BETWEEN " : " BETWEEN ")
                + rendered(between.low())
                + " AND "
                + rendered(between.high())
                + ")";
    }

    private String like(Node.Like like) {
        Node escape = like.escape();
        return "("
                + rendered(like.operand())
                + (like.negated() ? " NOT LIKE " : " LIKE ")
                + rendered(like.pattern())
                + (escape == null ? "" : " ESCAPE " + rendered(escape))
                + ")";
    }

    private String choice(Node.Case choice) {
        StringBuilder sql = new StringBuilder("(CASE");
        Node subject = choice.subject();
        if (subject != null) {
            sql.append(' ').append(rendered(subject));
        }
        for (Node.Case.When when : choice.whens()) {
            sql.append(" WHEN ").append(rendered(when.condition()));
            sql.append(" THEN ").append(rendered(when.result()));
        }
        Node otherwise = choice.otherwise();
        if (otherwise != null) {
            sql.append(" ELSE ").append(rendered(otherwise));
        }
        return sql.append(" END)").toString();
    }

    private String call(Node.Call call) {
        List<Node> arguments = call.arguments();
        if (call.syntax() == Node.Call.Syntax.PLAIN) {
            return quoted(call.name()) + "(" + list(arguments) + ")";
        }
        if (call.name().equals("substring")) {
            return "SUBSTRING("
                    + rendered(arguments.get(0))
                    + " FROM "
                    + rendered(arguments.get(1))
                    + (arguments.size() > 2 ? " FOR " + rendered(arguments.get(2)) : "")
                    + ")";
        }
        String side =
                switch (call.name()) {
                    case "ltrim" -> "LEADING ";
                    case "rtrim" -> "TRAILING ";
                    default -> "BOTH ";
                };
        String characters = arguments.size() > 1 ? rendered(arguments.get(1)) + " " : "";
        return "TRIM(" + side + characters + "FROM " + rendered(arguments.getFirst()) + ")";
    }
}
