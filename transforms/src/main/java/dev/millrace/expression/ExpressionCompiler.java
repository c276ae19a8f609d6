package dev.millrace.expression;

import dev.millrace.sql.Kind;
import dev.millrace.sql.Node;
import dev.millrace.sql.Node.TypeName;
import dev.millrace.sql.Refusal;
import dev.millrace.sql.ValueType;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Types an expression against the source table by PostgreSQL's rules and compiles it. An
/// expression that PostgreSQL would type differently is refused. Not thread-safe; used for one
/// statement.
public final class ExpressionCompiler {

    private final SourceColumns columns;
    private final Operators operators;
    private final Functions functions;
    private final Casts casts = new Casts();
    private final Conditionals conditionals;

    public ExpressionCompiler(SourceColumns columns, CaseMaps caseMaps) {
        this.columns = columns;
        this.operators = new Operators();
        this.functions = new Functions(caseMaps);
        this.conditionals = new Conditionals();
    }

    /// @throws Refusal when the expression has no type or cannot be computed exactly
    public Typed compile(Node node) {
        return switch (node) {
            case Node.Column column -> columns.read(column);
            case Node.Number number -> number(number);
            case Node.Text(int at, String value) -> Typed.constant(at, ValueType.UNTYPED, value);
            case Node.Truth(int at, boolean value) -> Typed.constant(at, ValueType.BOOL, value);
            case Node.Null(int at) -> Typed.constant(at, ValueType.UNTYPED, null);
            case Node.Cast(int at, Node operand, TypeName type) ->
                    casts.cast(at, compile(operand), type);
            case Node.Sign(int at, boolean minus, Node operand) ->
                    operators.sign(at, minus, compile(operand));
            case Node.Binary(int at, String operator, Node left, Node right) ->
                    operators.binary(at, operator, compile(left), compile(right));
            case Node.Not(int at, Node operand) -> Logic.not(at, condition(operand));
            case Node.And(int at, Node left, Node right) ->
                    Logic.and(at, condition(left), condition(right));
            case Node.Or(int at, Node left, Node right) ->
                    Logic.or(at, condition(left), condition(right));
            case Node.IsDistinct(int at, Node left, Node right, boolean negated) ->
                    operators.isDistinct(at, compile(left), compile(right), negated);
            case Node.IsNull(int at, Node operand, boolean negated) ->
                    Logic.isNull(at, compile(operand), negated);
            case Node.IsTruth(int at, Node operand, var verdict, boolean negated) ->
                    Logic.isTruth(at, condition(operand), verdict, negated);
            case Node.In(int at, Node operand, List<Node> items, boolean negated) -> {
                Typed in = operators.in(at, compile(operand), compileAll(items));
                yield negated ? Logic.not(at, in) : in;
            }
            case Node.Between(int at, Node operand, Node low, Node high, boolean negated) -> {
                Typed value = compile(operand);
                Typed from = operators.binary(at, ">=", value, compile(low));
                Typed between =
                        Logic.and(at, from, operators.binary(at, "<=", value, compile(high)));
                yield negated ? Logic.not(at, between) : between;
            }
            case Node.Like(int at, Node operand, Node pattern, Node escape, boolean negated) -> {
                Typed like = operators.like(at, compile(operand), escaped(at, pattern, escape));
                yield negated ? Logic.not(at, like) : like;
            }
            case Node.Case choice -> choice(choice);
            case Node.Coalesce(int at, List<Node> arguments) ->
                    conditionals.coalesce(at, compileAll(arguments));
            case Node.NullIf(int at, Node left, Node right) ->
                    conditionals.nullIf(at, compile(left), compile(right));
            case Node.Call(int at, String name, _, List<Node> arguments) ->
                    functions.call(at, name, compileAll(arguments));
            case Node.Refused _ -> throw new IllegalStateException("a refused part has no type");
        };
    }

    List<Typed> compileAll(List<Node> nodes) {
        return nodes.stream().map(this::compile).toList();
    }

    /// Compiles an expression that must be boolean.
    public Typed condition(Node node) {
        Typed typed = Untyped.as(compile(node), Kind.BOOL);
        if (typed.kind() != Kind.BOOL) {
            throw new Refusal(
                    node.at(),
                    "a condition must be boolean, but this is " + typed.type().description(),
                    "compare it with a value");
        }
        return typed;
    }

    private static Typed number(Node.Number number) {
        if (number.integer()) {
            for (Kind kind : List.of(Kind.INT4, Kind.INT8)) {
                try {
                    return Typed.constant(
                            number.at(),
                            ValueType.of(kind),
                            Literals.integer(number.digits(), kind));
                } catch (RowError _) {
                    continue;
                }
            }
        }
        try {
            return Typed.constant(
                    number.at(), ValueType.of(Kind.NUMERIC), Literals.numeric(number.digits()));
        } catch (RowError error) {
            throw new Refusal(number.at(), error.reason(), "");
        }
    }

    private Typed escaped(int at, Node pattern, @Nullable Node escape) {
        Typed text = operators.text(compile(pattern));
        if (escape == null) {
            return text;
        }
        return Strict.two(
                at,
                ValueType.TEXT,
                text,
                operators.text(compile(escape)),
                (body, escapeCharacter) ->
                        LikePattern.escaped((String) body, (String) escapeCharacter));
    }

    private Typed choice(Node.Case choice) {
        Node subjectNode = choice.subject();
        List<Typed> conditions = new ArrayList<>();
        List<Typed> results = new ArrayList<>();
        @Nullable Typed subject = subjectNode == null ? null : Untyped.asText(compile(subjectNode));
        for (Node.Case.When when : choice.whens()) {
            conditions.add(
                    subject == null
                            ? condition(when.condition())
                            : operators.binary(
                                    when.condition().at(),
                                    "=",
                                    subject,
                                    compile(when.condition())));
            results.add(compile(when.result()));
        }
        Node otherwise = choice.otherwise();
        results.add(
                otherwise == null
                        ? Typed.constant(choice.at(), ValueType.UNTYPED, null)
                        : compile(otherwise));
        return conditionals.choice(choice.at(), conditions, results);
    }
}
