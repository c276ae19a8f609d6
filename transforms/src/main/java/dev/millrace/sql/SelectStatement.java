package dev.millrace.sql;

import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/// A SELECT over one table, read but not yet typed. Immutable.
public final class SelectStatement {

    /// One entry of the select list.
    public sealed interface Item {
        int at();

        /// @param alias the name behind it, or the one PostgreSQL makes up for it; `null` when
        ///   PostgreSQL makes up none
        record Expression(int at, Node node, @Nullable String alias) implements Item {}

        /// @param qualifier what stands before the star, empty when it stands alone
        record Star(int at, List<String> qualifier) implements Item {
            public Star {
                qualifier = List.copyOf(qualifier);
            }
        }
    }

    /// The table behind FROM.
    public record Source(int at, @Nullable String schema, String name, @Nullable String alias) {

        /// What qualifies a column: the alias alone where there is one.
        boolean isQualifier(List<String> qualifier) {
            if (alias != null) {
                return qualifier.equals(List.of(alias));
            }
            return qualifier.equals(List.of(name))
                    || schema != null && qualifier.equals(List.of(schema, name));
        }
    }

    private final String text;
    private final List<Item> items;
    private final Source source;
    private final @Nullable Node where;
    private final boolean changesCase;

    SelectStatement(
            String text,
            List<Item> items,
            Source source,
            @Nullable Node where,
            boolean changesCase) {
        this.text = text;
        this.items = List.copyOf(items);
        this.source = source;
        this.where = where;
        this.changesCase = changesCase;
    }

    /// The user's text, to the letter.
    public String text() {
        return text;
    }

    /// The schema that the text names the source table with; empty when it leaves that to the
    /// search path.
    public Optional<String> schema() {
        return Optional.ofNullable(source.schema());
    }

    /// The name of the source table.
    public String table() {
        return source.name();
    }

    /// True when `lower` or `upper` occur: only then the compiler needs case maps.
    public boolean changesCase() {
        return changesCase;
    }

    public boolean hasStar() {
        return items.stream().anyMatch(Item.Star.class::isInstance);
    }

    /// The text with these columns in place of its stars.
    ///
    /// @param quoted names as SQL writes them
    public String withoutStars(List<String> quoted) {
        StringBuilder expanded = new StringBuilder(text);
        for (Item item : items.reversed()) {
            if (item instanceof Item.Star(int at, List<String> qualifier)) {
                int star = at;
                for (String each : qualifier) {
                    star = text.indexOf('.', text.indexOf(each, star) + each.length()) + 1;
                }
                star = text.indexOf('*', star);
                String prefix = text.substring(at, star);
                expanded.replace(
                        at,
                        star + 1,
                        quoted.stream()
                                .map(name -> prefix + name)
                                .collect(Collectors.joining(", ")));
            }
        }
        return expanded.toString();
    }

    /// The columns that an expression or the WHERE computes with; one that is only copied isn't
    /// among them.
    public Set<String> computedColumns() {
        return ComputedColumns.of(items, where);
    }

    /// The columns that are copied as they are.
    ///
    /// @param all columns of the source table, for a `*`
    public Set<String> copiedColumns(List<String> all) {
        Set<String> columns = new LinkedHashSet<>();
        for (Item item : items) {
            switch (item) {
                case Item.Star _ -> columns.addAll(all);
                case Item.Expression(_, Node.Column column, _) -> columns.add(column.name());
                case Item.Expression _ -> {}
            }
        }
        return columns;
    }

    /// True when rows may be left out by a WHERE.
    public boolean isFiltered() {
        return where != null;
    }

    public List<Item> items() {
        return items;
    }

    public Source source() {
        return source;
    }

    public @Nullable Node where() {
        return where;
    }

    /// What is wrong with it whatever its tables are, in the order of the text; what depends on
    /// them is [SelectCompiler]'s.
    public List<SelectProblem> problems() {
        ProblemLog problems = new ProblemLog(text);
        new StatementCheck(problems).check(this);
        return problems.inOrder();
    }

    /// A problem at a place of this text.
    public SelectProblem problem(int at, String message, String instead) {
        return SelectProblem.at(text, at, message, instead);
    }

    /// A problem of one column of the result, counted from 0; behind a `*` it stands at the `*`.
    public SelectProblem outputProblem(int output, String message, String instead) {
        for (int i = 0; i < items.size(); i++) {
            if (i == output || items.get(i) instanceof Item.Star) {
                return problem(items.get(i).at(), message, instead);
            }
        }
        return problem(0, message, instead);
    }

    /// A problem of the WHERE.
    public SelectProblem whereProblem(String message, String instead) {
        return problem(where == null ? source.at() : where.at(), message, instead);
    }

    /// Finds the columns that a statement computes with, rather than copies.
    static final class ComputedColumns {

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
}
