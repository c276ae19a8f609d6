package dev.millrace.sql;

import dev.millrace.change.TableId;
import dev.millrace.problem.Position;
import dev.millrace.problem.Problem;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/// A parsed SELECT over one table, not yet typed. Immutable.
public final class SelectStatement {

    /// One entry of the select list.
    public sealed interface Item {
        int at();

        /// @param alias the name after it, or the one that PostgreSQL derives; `null` when
        ///   PostgreSQL derives none
        record Expression(int at, Node node, @Nullable String alias) implements Item {}

        /// @param qualifier the names before the `*`; empty when there are none
        /// @param starAt offset of the `*` itself
        record Star(int at, List<String> qualifier, int starAt) implements Item {
            public Star {
                qualifier = List.copyOf(qualifier);
            }
        }
    }

    /// The table after FROM.
    public record Source(int at, @Nullable String schema, String name, @Nullable String alias) {

        /// Whether a qualifier names this table. An alias hides the table's name.
        boolean isQualifier(List<String> qualifier) {
            if (alias != null) {
                return qualifier.equals(List.of(alias));
            }
            return qualifier.equals(List.of(name))
                    || schema != null && qualifier.equals(List.of(schema, name));
        }
    }

    private final SelectText written;
    private final String text;
    private final List<Item> items;
    private final Source source;
    private final @Nullable Node where;
    private final boolean changesCase;

    SelectStatement(
            SelectText written,
            String text,
            List<Item> items,
            Source source,
            @Nullable Node where,
            boolean changesCase) {
        this.written = written;
        this.text = text;
        this.items = List.copyOf(items);
        this.source = source;
        this.where = where;
        this.changesCase = changesCase;
    }

    /// Copies these columns of one table; nothing else. For an entry that implies its SELECT.
    ///
    /// @param path path of the entry in the file
    /// @param at position of the entry
    public static SelectStatement copying(
            String path, Position at, TableId table, List<String> columns) {
        String text =
                "SELECT "
                        + columns.stream()
                                .map(SqlRenderer::quoted)
                                .collect(Collectors.joining(", "))
                        + " FROM "
                        + SqlRenderer.quoted(table.schema())
                        + "."
                        + SqlRenderer.quoted(table.name());
        return new SelectStatement(
                SelectText.implied(path, text, at),
                text,
                columns.stream().map(name -> column(0, List.of(), name)).toList(),
                new Source(0, table.schema(), table.name(), null),
                null,
                false);
    }

    /// The text as PostgreSQL reads it: the user's own, with columns in place of a `*` that
    /// [#withColumns] expanded.
    public String text() {
        return text;
    }

    /// The text for people: with columns in place of a `*`, or, if it contains values of the
    /// environment, as it is in the file.
    public String shown() {
        return written.shown().orElse(text);
    }

    /// The text in the file.
    public SelectText written() {
        return written;
    }

    /// The source table's schema as written; empty when the search path decides.
    public Optional<String> schema() {
        return Optional.ofNullable(source.schema());
    }

    /// The source table's name.
    public String table() {
        return source.name();
    }

    /// True when `lower` or `upper` occur; only then does the compiler need case maps.
    public boolean changesCase() {
        return changesCase;
    }

    public boolean hasStar() {
        return items.stream().anyMatch(Item.Star.class::isInstance);
    }

    /// The statement with these columns in place of each `*`. Its text changes likewise; positions
    /// of problems stay those of the text in the file.
    ///
    /// @param columns names as the catalog has them
    public SelectStatement withColumns(List<String> columns) {
        List<Item> expanded = new ArrayList<>();
        for (Item item : items) {
            switch (item) {
                case Item.Star(int at, List<String> qualifier, _) ->
                        columns.forEach(name -> expanded.add(column(at, qualifier, name)));
                case Item.Expression expression -> expanded.add(expression);
            }
        }
        return new SelectStatement(
                written, expandedText(columns), expanded, source, where, changesCase);
    }

    private String expandedText(List<String> columns) {
        StringBuilder expanded = new StringBuilder(text);
        for (Item item : items.reversed()) {
            if (item instanceof Item.Star(int at, _, int starAt)) {
                String prefix = text.substring(at, starAt);
                expanded.replace(
                        at,
                        starAt + 1,
                        columns.stream()
                                .map(name -> prefix + SqlRenderer.quoted(name))
                                .collect(Collectors.joining(", ")));
            }
        }
        return expanded.toString();
    }

    private static Item column(int at, List<String> qualifier, String name) {
        return new Item.Expression(at, new Node.Column(at, qualifier, name), name);
    }

    /// The columns that an expression or the WHERE reads. A column that is only copied is not
    /// included.
    public Set<String> computedColumns() {
        return ComputedColumns.of(items, where);
    }

    /// The columns that are copied unchanged.
    ///
    /// @param all the columns of the source table, for a `*`
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

    /// True when a WHERE may exclude rows.
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

    /// The problems that do not depend on the tables, in the order of the text. The compiler finds
    /// the others.
    public List<Problem> problems() {
        ProblemLog problems = new ProblemLog(written);
        new StatementCheck(problems).check(this);
        return problems.inOrder();
    }

    /// A problem at an offset of the text.
    public Problem problem(int at, String message, String remedy) {
        return written.problem(at, message, remedy);
    }

    /// A problem of one result column, counted from 0. Columns after a `*` have the position of the
    /// `*`.
    public Problem outputProblem(int output, String message, String remedy) {
        for (int i = 0; i < items.size(); i++) {
            if (i == output || items.get(i) instanceof Item.Star) {
                return problem(items.get(i).at(), message, remedy);
            }
        }
        return problem(0, message, remedy);
    }

    /// A problem of the WHERE.
    public Problem whereProblem(String message, String remedy) {
        return problem(where == null ? source.at() : where.at(), message, remedy);
    }

    /// Prints the text for people.
    @Override
    public String toString() {
        return shown();
    }

    /// Finds the columns that a statement computes with instead of copying them.
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
