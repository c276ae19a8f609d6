package dev.millrace.mapping;

import dev.millrace.expression.ExpressionCompiler;
import dev.millrace.expression.Logic;
import dev.millrace.mapping.InverseValue.Decimals;
import dev.millrace.sql.Kind;
import dev.millrace.sql.Node;
import dev.millrace.sql.NodeParts;
import dev.millrace.sql.Relation;
import dev.millrace.sql.SqlRenderer;
import dev.millrace.sql.ValueType;
import java.math.BigDecimal;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/// Derives the inverse of each source column from a compiled statement: each operation around the
/// only column of an expression is undone, from the outermost one to the column. Used for one
/// statement; not thread-safe.
final class InverseRule {

    private static final String NO_INVERSE = "its expression has no inverse";
    private static final Set<String> TRIMS = Set.of("btrim", "ltrim", "rtrim");

    private final Relation source;
    private final Relation target;
    private final ExpressionCompiler expressions;

    InverseRule(Relation source, Relation target, ExpressionCompiler expressions) {
        this.source = source;
        this.target = target;
        this.expressions = expressions;
    }

    /// @param written the outputs, each with the name of a target column
    /// @return the inverse of every source column that is not generated, in the table's order
    Map<String, Inverse> of(List<Output> written, @Nullable Node where) {
        Map<String, Inverse> inverses = new LinkedHashMap<>();
        for (Relation.Column column : source.columns()) {
            if (!column.generated()) {
                inverses.put(column.name(), new Inverse.Absent());
            }
        }
        if (where != null) {
            Logic.conjuncts(where).forEach(condition -> addFixed(condition, inverses));
        }
        for (Output output : keyFirst(written)) {
            List<String> columns = columns(output.node()).toList();
            for (String column : new LinkedHashSet<>(columns)) {
                Inverse inverse =
                        columns.size() == 1
                                ? invert(output)
                                : new Inverse.None(
                                        output.name()
                                                + " is computed from "
                                                + String.join(", ", columns));
                inverses.computeIfPresent(column, (_, found) -> Inverse.better(found, inverse));
            }
        }
        return Collections.unmodifiableMap(inverses);
    }

    /// The outputs of the target's key first: only they may give the source's key back.
    private List<Output> keyFirst(List<Output> written) {
        Map<Boolean, List<Output>> byKey =
                written.stream()
                        .collect(
                                Collectors.partitioningBy(
                                        output -> target.key().contains(output.name())));
        return Stream.of(true, false)
                .flatMap(key -> Objects.requireNonNull(byKey.get(key)).stream())
                .toList();
    }

    private static Stream<String> columns(Node node) {
        return node instanceof Node.Column(_, _, String name)
                ? Stream.of(name)
                : NodeParts.of(node).flatMap(InverseRule::columns);
    }

    /// Adds columns that have the same value in every row that the WHERE accepts.
    private void addFixed(Node condition, Map<String, Inverse> inverses) {
        switch (condition) {
            case Node.IsNull(_, Node.Column column, boolean negated) when !negated ->
                    fix(column, "NULL", inverses);
            case Node.IsTruth(_, Node.Column column, Node.IsTruth.Verdict verdict, boolean negated)
                    when !negated ->
                    fix(
                            column,
                            verdict == Node.IsTruth.Verdict.UNKNOWN ? "NULL" : verdict.toString(),
                            inverses);
            case Node.Binary(_, String operator, Node.Column column, Node value)
                    when operator.equals("=") && isLiteral(value) && isIdentity(column) ->
                    fix(column, literal(column, value), inverses);
            case Node.Binary(_, String operator, Node value, Node.Column column)
                    when operator.equals("=") && isLiteral(value) && isIdentity(column) ->
                    fix(column, literal(column, value), inverses);
            case Node.Column column -> fix(column, "TRUE", inverses);
            case Node.Not(_, Node.Column column) -> fix(column, "FALSE", inverses);
            case Node.Not _,
                    Node.Binary _,
                    Node.IsNull _,
                    Node.IsTruth _,
                    Node.And _,
                    Node.Or _,
                    Node.IsDistinct _,
                    Node.In _,
                    Node.Between _,
                    Node.Like _,
                    Node.Case _,
                    Node.Coalesce _,
                    Node.NullIf _,
                    Node.Call _,
                    Node.Cast _,
                    Node.Sign _,
                    Node.Number _,
                    Node.Text _,
                    Node.Truth _,
                    Node.Null _,
                    Node.Refused _ -> {}
        }
    }

    /// The target has the source's key, so that its rows stay apart.
    private void fix(Node.Column column, String sql, Map<String, Inverse> inverses) {
        if (!source.key().contains(column.name())) {
            inverses.replace(column.name(), new Inverse.Exact(sql));
        }
    }

    /// A number has another type, which the column may not accept.
    private String literal(Node.Column column, Node value) {
        ValueType type = ValueType.ofColumn(source.column(column.name()).orElseThrow().type());
        String sql = SqlRenderer.sql(value);
        return !(value instanceof Node.Number) || TypeFit.fits(type(value), type)
                ? sql
                : "CAST(" + sql + " AS " + type.sql().formatted() + ")";
    }

    private static boolean isLiteral(Node node) {
        return node instanceof Node.Number
                || node instanceof Node.Text
                || node instanceof Node.Truth;
    }

    /// Whether values that are equal are also the same.
    private boolean isIdentity(Node.Column column) {
        Relation.Column found = source.column(column.name()).orElseThrow();
        Kind kind = ValueType.ofColumn(found.type()).kind();
        return kind.isInteger()
                || kind == Kind.BOOL
                || kind == Kind.DATE
                || kind == Kind.UUID
                || kind.isPlainText() && found.collation().deterministic();
    }

    private Inverse invert(Output output) {
        String name = String.valueOf(output.name());
        ValueType type = ValueType.ofColumn(target.column(name).orElseThrow().type());
        InverseValue value =
                new InverseValue(
                        SqlRenderer.quoted(name), type, Decimals.of(type), Optional.empty());
        return undo(output.node(), value.as(output.type()));
    }

    /// @param value the value of the node
    private Inverse undo(Node node, InverseValue value) {
        return switch (node) {
            case Node.Column(_, _, String name) ->
                    value.as(ValueType.ofColumn(source.column(name).orElseThrow().type()))
                            .inverse();
            case Node.Cast(_, Node operand, _) -> {
                Optional<String> lost =
                        Loss.of(type(operand), decimals(operand), type(node))
                                .map(
                                        loss ->
                                                "the CAST to "
                                                        + type(node).description()
                                                        + " loses "
                                                        + loss);
                yield undo(operand, value.losing(lost).as(type(operand)));
            }
            case Node.Sign(_, boolean minus, Node operand) ->
                    undo(operand, minus ? value.with("(- " + value.sql() + ")") : value);
            case Node.Not(_, Node operand) ->
                    undo(operand, value.with("(NOT " + value.sql() + ")"));
            case Node.Binary(_, String operator, Node operand, Node.Number constant) ->
                    undoArithmetic(operator, operand, constant, value);
            case Node.Binary(_, String operator, Node.Number constant, Node operand)
                    when operator.equals("+") || operator.equals("*") ->
                    undoArithmetic(operator, operand, constant, value);
            case Node.Coalesce(_, List<Node> arguments) when !isConstant(arguments.getFirst()) ->
                    undo(arguments.getFirst(), value.losing(Optional.of("COALESCE replaces NULL")));
            case Node.NullIf(_, Node left, Node _) when !isConstant(left) ->
                    undo(left, value.losing(Optional.of("NULLIF replaces a value by NULL")));
            case Node.Call(_, String function, _, List<Node> arguments) ->
                    undoCall(function, arguments, value);
            case Node.Binary _,
                    Node.And _,
                    Node.Or _,
                    Node.IsDistinct _,
                    Node.IsNull _,
                    Node.IsTruth _,
                    Node.In _,
                    Node.Between _,
                    Node.Like _,
                    Node.Case _,
                    Node.Coalesce _,
                    Node.NullIf _ ->
                    new Inverse.None(NO_INVERSE);
            case Node.Number _, Node.Text _, Node.Truth _, Node.Null _, Node.Refused _ ->
                    throw new IllegalStateException("The expression contains no column.");
        };
    }

    private Inverse undoCall(String function, List<Node> arguments, InverseValue value) {
        Node operand = arguments.getFirst();
        Optional<String> lost =
                switch (function) {
                    case "lower", "upper" ->
                            Optional.of(function + "() loses the case of the letters");
                    default ->
                            TRIMS.contains(function)
                                    ? Optional.of(function + "() loses what it trims")
                                    : Optional.empty();
                };
        return lost.isEmpty() || isConstant(operand)
                ? new Inverse.None(function + "() has no inverse")
                : undo(operand, value.losing(lost).as(type(operand)));
    }

    private Inverse undoArithmetic(
            String operator, Node operand, Node.Number constant, InverseValue value) {
        BigDecimal number = new BigDecimal(constant.digits());
        InverseValue known = value.losing(lostZeros(operand, operator, number));
        return switch (operator) {
            case "+" -> undo(operand, known.plus(number.negate()).as(type(operand)));
            case "-" -> undo(operand, known.plus(number).as(type(operand)));
            case "*" ->
                    number.signum() == 0
                            ? new Inverse.None("it is multiplied by 0")
                            : undo(operand, known.dividedBy(number).as(type(operand)));
            case "/" ->
                    undo(
                            operand,
                            known.losing(Optional.of("the division loses decimals"))
                                    .times(number)
                                    .as(type(operand)));
            default -> new Inverse.None(NO_INVERSE);
        };
    }

    /// A numeric without a scale keeps its zeros at the end (`1.50`), and arithmetic adds some.
    private Optional<String> lostZeros(Node operand, String operator, BigDecimal number) {
        ValueType type = type(operand);
        boolean adds =
                operator.equals("*")
                        ? number.abs().compareTo(BigDecimal.ONE) != 0
                        : number.scale() > 0;
        return type.kind() == Kind.NUMERIC && !type.isConstrained() && adds
                ? Optional.of("the number of decimals can change")
                : Optional.empty();
    }

    private static boolean isConstant(Node node) {
        return columns(node).findAny().isEmpty();
    }

    private ValueType type(Node node) {
        return node instanceof Node.Column(_, _, String name)
                ? ValueType.ofColumn(source.column(name).orElseThrow().type())
                : expressions.compile(node).type();
    }

    /// The most decimals that a number of this expression has; empty if it can have any number.
    private OptionalInt decimals(Node node) {
        return switch (node) {
            case Node.Number(_, String digits, _) ->
                    OptionalInt.of(new BigDecimal(digits).stripTrailingZeros().scale());
            case Node.Sign(_, _, Node operand) -> decimals(operand);
            case Node.Binary(_, String operator, Node left, Node right) when operator.equals("*") ->
                    Decimals.sum(decimals(left), decimals(right));
            case Node.Binary(_, String operator, Node left, Node right)
                    when operator.equals("+") || operator.equals("-") ->
                    Decimals.max(decimals(left), decimals(right));
            default -> Decimals.of(type(node));
        };
    }
}
