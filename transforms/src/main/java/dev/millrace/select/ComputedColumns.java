package dev.millrace.select;

import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// Finds the columns that a statement computes with, rather than copies.
final class ComputedColumns {

    private ComputedColumns() {}

    static Set<String> of(List<SelectStatement.Item> items, @Nullable Node where) {
        Set<String> columns = new LinkedHashSet<>();
        for (SelectStatement.Item item : items) {
            if (item instanceof SelectStatement.Item.Expression(_, Node node, _)
                    && !(node instanceof Node.Column)) {
                collect(node, columns);
            }
        }
        if (where != null) {
            collect(where, columns);
        }
        return columns;
    }

    private static void collect(Node node, Set<String> columns) {
        if (node instanceof Node.Column column) {
            columns.add(column.name());
        }
        NodeParts.of(node).forEach(part -> collect(part, columns));
    }
}
