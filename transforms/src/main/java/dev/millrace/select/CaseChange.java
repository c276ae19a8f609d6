package dev.millrace.select;

import java.util.List;
import org.jspecify.annotations.Nullable;

/// Finds `lower` and `upper` in a statement.
final class CaseChange {

    private CaseChange() {}

    static boolean occursIn(List<SelectStatement.Item> items, @Nullable Node where) {
        return where != null && occursIn(where)
                || items.stream()
                        .anyMatch(
                                item ->
                                        switch (item) {
                                            case SelectStatement.Item.Expression(_, Node node, _) ->
                                                    occursIn(node);
                                            case SelectStatement.Item.Star _ -> false;
                                        });
    }

    private static boolean occursIn(Node node) {
        if (node instanceof Node.Call(_, String name, _, _)
                && (name.equals("lower") || name.equals("upper"))) {
            return true;
        }
        return NodeParts.of(node).anyMatch(CaseChange::occursIn);
    }
}
