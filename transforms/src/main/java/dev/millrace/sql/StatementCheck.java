package dev.millrace.sql;

import dev.millrace.sql.Node.TypeName;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/// Finds the problems of a statement that do not depend on its tables: unsupported functions and
/// types, wrong numbers of arguments, wrong qualifiers, missing or duplicate result names. Not
/// thread-safe; confined to the thread that parses or compiles.
public final class StatementCheck {

    private final ProblemLog problems;

    public StatementCheck(ProblemLog problems) {
        this.problems = problems;
    }

    public void check(SelectStatement statement) {
        Node where = statement.where();
        check(statement.items(), where == null ? List.of() : List.of(where));
        new QualifierCheck(statement.source(), problems).check(statement.items(), where);
    }

    /// Checks the parts of a statement that could not be parsed to its end.
    public void check(List<SelectStatement.Item> items, List<Node> conditions) {
        conditions.forEach(this::check);
        Set<String> names = new HashSet<>();
        for (SelectStatement.Item item : items) {
            if (item instanceof SelectStatement.Item.Expression(int at, Node node, String name)) {
                check(node);
                if (name == null && !(node instanceof Node.Refused)) {
                    problems.add(
                            at,
                            "this column has no name",
                            "add AS and the name of a target" + " column");
                }
                if (name != null && !names.add(name)) {
                    duplicate(at, name, problems);
                }
            }
        }
    }

    public static void duplicate(int at, String name, ProblemLog problems) {
        problems.add(
                at,
                "two result columns are named " + name,
                "write AS with another target column, or remove one");
    }

    private void check(Node node) {
        try {
            switch (node) {
                case Node.Call(int at, String name, _, List<Node> arguments) ->
                        Signature.check(at, name, arguments.size());
                case Node.Cast(_, _, TypeName type) -> CastTarget.of(type);
                default -> {}
            }
        } catch (Refusal refusal) {
            refusal.addTo(problems);
        }
        NodeParts.of(node).forEach(this::check);
    }
}
