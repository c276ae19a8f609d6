package dev.millrace.sql;

import java.util.List;
import java.util.stream.Stream;

/// Lists the direct parts of an expression. Thread-safe.
public final class NodeParts {

    /// A deeper tree would overflow the stack of a recursive walk.
    private static final int MAX_HEIGHT = 500;

    private NodeParts() {}

    /// Returns the tree, checked level by level and so without recursion.
    ///
    /// @throws Refusal when the tree is too high
    static Node withinHeight(Node root) {
        List<Node> level = List.of(root);
        for (int height = 1; !level.isEmpty(); height++) {
            if (height > MAX_HEIGHT) {
                throw new Refusal(
                        root.at(),
                        "the expression has more than " + MAX_HEIGHT + " operators in a row",
                        "split it into several columns or simplify it");
            }
            level = level.stream().flatMap(NodeParts::of).toList();
        }
        return root;
    }

    public static Stream<Node> of(Node node) {
        return switch (node) {
            case Node.Column _, Node.Number _, Node.Text _, Node.Truth _, Node.Null _ ->
                    Stream.empty();
            case Node.Refused _ -> Stream.empty();
            case Node.Cast(_, Node operand, _) -> Stream.of(operand);
            case Node.Sign(_, _, Node operand) -> Stream.of(operand);
            case Node.Binary(_, _, Node left, Node right) -> Stream.of(left, right);
            case Node.Not(_, Node operand) -> Stream.of(operand);
            case Node.And(_, Node left, Node right) -> Stream.of(left, right);
            case Node.Or(_, Node left, Node right) -> Stream.of(left, right);
            case Node.IsDistinct(_, Node left, Node right, _) -> Stream.of(left, right);
            case Node.IsNull(_, Node operand, _) -> Stream.of(operand);
            case Node.IsTruth(_, Node operand, _, _) -> Stream.of(operand);
            case Node.In(_, Node operand, List<Node> items, _) ->
                    Stream.concat(Stream.of(operand), items.stream());
            case Node.Between(_, Node operand, Node low, Node high, _) ->
                    Stream.of(operand, low, high);
            case Node.Like(_, Node operand, Node pattern, Node escape, _) ->
                    Stream.concat(Stream.of(operand, pattern), Stream.ofNullable(escape));
            case Node.Case(_, Node subject, List<Node.Case.When> whens, Node otherwise) ->
                    Stream.concat(
                            Stream.concat(Stream.ofNullable(subject), Stream.ofNullable(otherwise)),
                            whens.stream()
                                    .flatMap(when -> Stream.of(when.condition(), when.result())));
            case Node.Coalesce(_, List<Node> arguments) -> arguments.stream();
            case Node.NullIf(_, Node left, Node right) -> Stream.of(left, right);
            case Node.Call(_, _, _, List<Node> arguments) -> arguments.stream();
        };
    }
}
