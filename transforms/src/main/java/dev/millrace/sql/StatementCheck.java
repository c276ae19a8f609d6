package dev.millrace.sql;

import dev.millrace.sql.Node.TypeName;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/// Finds what is wrong with a statement whatever the tables are: functions and types outside the
/// language, numbers of arguments, qualifiers, names of the result. For one thread.
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

    /// The parts of a statement that can't be read to its end.
    public void check(List<SelectStatement.Item> items, List<Node> conditions) {
        conditions.forEach(this::check);
        Set<String> names = new HashSet<>();
        for (SelectStatement.Item item : items) {
            if (item instanceof SelectStatement.Item.Expression(int at, Node node, String name)) {
                check(node);
                if (name == null && !(node instanceof Node.Refused)) {
                    problems.add(
                            at, "this column has no name", "write AS and a column of the target");
                }
                if (name != null && !names.add(name)) {
                    repeated(at, name, problems);
                }
            }
        }
    }

    public static void repeated(int at, String name, ProblemLog problems) {
        problems.add(
                at,
                "two columns of the result are named " + name,
                "name another column of the target behind AS, or leave one out");
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
