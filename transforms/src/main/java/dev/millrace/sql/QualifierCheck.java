package dev.millrace.sql;

import java.util.List;
import org.jspecify.annotations.Nullable;

/// Checks the qualifiers of columns against the table in FROM. Not thread-safe; confined to the
/// thread that parses or compiles.
public final class QualifierCheck {

    private final SelectStatement.Source from;
    private final ProblemLog problems;

    QualifierCheck(SelectStatement.Source from, ProblemLog problems) {
        this.from = from;
        this.problems = problems;
    }

    public void check(List<SelectStatement.Item> items, @Nullable Node where) {
        for (SelectStatement.Item item : items) {
            switch (item) {
                case SelectStatement.Item.Expression(_, Node node, _) -> check(node);
                case SelectStatement.Item.Star(int at, List<String> qualifier, _) ->
                        check(at, qualifier);
            }
        }
        if (where != null) {
            check(where);
        }
    }

    private void check(Node node) {
        if (node instanceof Node.Column(int at, List<String> qualifier, _)) {
            check(at, qualifier);
        }
        NodeParts.of(node).forEach(this::check);
    }

    private void check(int at, List<String> qualifier) {
        try {
            check(from, at, qualifier);
        } catch (Refusal refusal) {
            refusal.addTo(problems);
        }
    }

    /// @throws Refusal where the qualifier names another table
    public static void check(SelectStatement.Source from, int at, List<String> qualifier) {
        if (!qualifier.isEmpty() && !from.isQualifier(qualifier)) {
            String alias = from.alias();
            throw new Refusal(
                    at,
                    "FROM does not contain a table " + String.join(".", qualifier),
                    "use " + (alias == null ? from.name() : alias) + " or remove the qualifier");
        }
    }
}
