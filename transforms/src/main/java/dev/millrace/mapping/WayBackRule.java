package dev.millrace.mapping;

import dev.millrace.change.TableId;
import dev.millrace.expression.Logic;
import dev.millrace.mapping.WayBack.Kept;
import dev.millrace.mapping.WayBackDraft.Hindered;
import dev.millrace.mapping.WayBackDraft.Part;
import dev.millrace.mapping.WayBackDraft.Select;
import dev.millrace.sql.Kind;
import dev.millrace.sql.Node;
import dev.millrace.sql.NodeParts;
import dev.millrace.sql.Relation;
import dev.millrace.sql.SelectStatement;
import dev.millrace.sql.SqlRenderer;
import dev.millrace.sql.ValueType;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/// Drafts the way back of one source table from the inverses of its SELECTs. Pure; used for one
/// table.
final class WayBackRule {

    private static final String DECLARE = "Add a SELECT that supplies %s to reverse.";

    private final List<Part> parts;

    WayBackRule(List<Part> parts) {
        this.parts = parts;
    }

    List<WayBackDraft> drafts() {
        List<Part> whole = parts.stream().filter(part -> !part.forward().isFiltered()).toList();
        if (!whole.isEmpty()) {
            return onlyFiltered(whole)
                    .or(() -> neverSupplied(whole))
                    .map(List::of)
                    .orElseGet(() -> whole.size() == 1 ? alone(whole.getFirst()) : split(whole));
        }
        return parts.size() == 1 ? alone(parts.getFirst()) : disjoint();
    }

    private static List<WayBackDraft> alone(Part part) {
        return List.of(draft(part, Map.of()));
    }

    /// Each column of the source comes back from the target table that gives it back best, the key
    /// from all of them.
    private List<WayBackDraft> split(List<Part> whole) {
        if (whole.size() > WayBack.PartOf.MOST) {
            return List.of(
                    new Hindered(
                            "its columns are in " + whole.size() + " target tables",
                            "Map it to at most " + WayBack.PartOf.MOST + " tables."));
        }
        List<WayBackDraft> drafts = new ArrayList<>();
        for (Part part : whole) {
            Relation source = part.source();
            List<Relation.Column> own =
                    source.columns().stream()
                            .filter(
                                    column ->
                                            source.key().contains(column.name())
                                                    || part.inverses().containsKey(column.name())
                                                            && best(whole, column.name()) == part)
                            .toList();
            Map<String, Inverse> inverses = new LinkedHashMap<>();
            own.forEach(column -> inverses.put(column.name(), inverse(part, column.name())));
            drafts.add(draft(part(part, own, inverses), Map.of()));
        }
        return drafts;
    }

    /// @param own the columns of the source table that the part writes
    private static Part part(Part of, List<Relation.Column> own, Map<String, Inverse> inverses) {
        TableId id = of.source().id().withPart(of.target().id().toString());
        return new Part(
                of.forward(), new Relation(id, own, of.source().key()), of.target(), inverses);
    }

    /// The first of those that give the column back best.
    private static Part best(List<Part> whole, String column) {
        Part best = whole.getFirst();
        for (Part part : whole) {
            if (inverse(part, column).isBetterThan(inverse(best, column))) {
                best = part;
            }
        }
        return best;
    }

    private static Optional<WayBackDraft> neverSupplied(List<Part> whole) {
        String needed =
                whole.getFirst().source().columns().stream()
                        .filter(column -> column.notNull() && !column.defaulted())
                        .map(Relation.Column::name)
                        .filter(name -> whole.getFirst().inverses().containsKey(name))
                        .filter(name -> sql(inverse(best(whole, name), name)).isEmpty())
                        .collect(Collectors.joining(", "));
        return needed.isEmpty() ? Optional.empty() : Optional.of(neverSupplied(needed, whole));
    }

    private static Hindered neverSupplied(String columns, List<Part> parts) {
        return new Hindered(
                columns
                        + " is NOT NULL without a default, and no column of "
                        + names(parts)
                        + " gives it back, so a new row could not be written",
                DECLARE.formatted(columns));
    }

    private static String names(List<Part> parts) {
        return parts.stream()
                .map(part -> part.target().id().toString())
                .collect(Collectors.joining(", "));
    }

    /// Columns that a SELECT with a WHERE gives back better than those without, whose rows are all
    /// that the way back reads.
    private Optional<WayBackDraft> onlyFiltered(List<Part> whole) {
        for (Part part : parts) {
            List<String> better =
                    part.inverses().entrySet().stream()
                            .filter(
                                    entry ->
                                            entry.getValue()
                                                    .isBetterThan(
                                                            inverse(
                                                                    best(whole, entry.getKey()),
                                                                    entry.getKey())))
                            .map(Map.Entry::getKey)
                            .toList();
            if (!better.isEmpty()) {
                String columns = String.join(", ", better);
                return Optional.of(
                        new Hindered(
                                columns
                                        + " comes back from "
                                        + part.target().id()
                                        + ", but its rows from "
                                        + names(whole)
                                        + ", and this version does not join them",
                                "Copy " + columns + " to " + whole.getFirst().target().id() + "."));
            }
        }
        return Optional.empty();
    }

    private static Inverse inverse(Part part, String column) {
        return Objects.requireNonNull(part.inverses().get(column));
    }

    /// Every SELECT has a WHERE. A column of the source's key that each compares with another
    /// constant keeps their rows apart.
    private List<WayBackDraft> disjoint() {
        for (String column : parts.getFirst().source().key()) {
            List<Node> values =
                    parts.stream().flatMap(part -> compared(part, column).stream()).toList();
            if (values.size() == parts.size() && areDistinct(values)) {
                return parts.stream()
                        .map(
                                part ->
                                        draft(
                                                part(
                                                        part,
                                                        part.source().columns(),
                                                        part.inverses()),
                                                condition(part, column)))
                        .toList();
            }
        }
        return List.of(
                new Hindered(
                        "a row can move between "
                                + names(parts)
                                + ", and changes of different tables come back in any order",
                        "Compare a column of its key with another constant in the WHERE of"
                                + " each SELECT."));
    }

    /// The constant with which the WHERE compares a column.
    private static Optional<Node> compared(Part part, String name) {
        return Stream.ofNullable(part.forward().where())
                .flatMap(where -> Logic.conjuncts(where).stream())
                .flatMap(
                        condition ->
                                switch (condition) {
                                    case Node.Binary(
                                                    _,
                                                    String operator,
                                                    Node.Column column,
                                                    Node value)
                                            when operator.equals("=")
                                                    && column.name().equals(name)
                                                    && isComparable(part, name, value) ->
                                            Stream.of(value);
                                    default -> Stream.empty();
                                })
                .findFirst();
    }

    /// Whether two different constants of this kind are different values of the column.
    private static boolean isComparable(Part part, String name, Node value) {
        Relation.Column column = part.source().column(name).orElseThrow();
        Kind kind = ValueType.ofColumn(column.type()).kind();
        return value instanceof Node.Number && kind.isInteger()
                || value instanceof Node.Text
                        && kind.isPlainText()
                        && column.collation().deterministic();
    }

    private static boolean areDistinct(List<Node> values) {
        Set<Object> seen = new HashSet<>();
        return values.stream()
                .allMatch(
                        value ->
                                seen.add(
                                        value instanceof Node.Number(_, String digits, _)
                                                ? new BigDecimal(digits).stripTrailingZeros()
                                                : ((Node.Text) value).value()));
    }

    /// The same comparison over the target's key, which copies every column of the source's.
    private static Map<String, Node> condition(Part part, String column) {
        Map<String, Node> condition = new LinkedHashMap<>();
        for (SelectStatement.Item item : part.forward().items()) {
            switch (item) {
                case SelectStatement.Item.Expression(_, Node.Column read, String name)
                        when read.name().equals(column) && part.target().key().contains(name) ->
                        condition.put(name, compared(part, column).orElseThrow());
                case SelectStatement.Item.Star _ when part.target().key().contains(column) ->
                        condition.put(column, compared(part, column).orElseThrow());
                case SelectStatement.Item.Expression _, SelectStatement.Item.Star _ -> {}
            }
        }
        return condition;
    }

    private static WayBackDraft draft(Part part, Map<String, Node> condition) {
        String needed =
                part.source().columns().stream()
                        .filter(column -> column.notNull() && !column.defaulted())
                        .map(Relation.Column::name)
                        .filter(name -> part.inverses().containsKey(name))
                        .filter(name -> sql(inverse(part, name)).isEmpty())
                        .collect(Collectors.joining(", "));
        if (!needed.isEmpty()) {
            return neverSupplied(needed, List.of(part));
        }
        return excluded(part)
                .<WayBackDraft>map(
                        columns ->
                                new Hindered(
                                        "the WHERE of "
                                                + part.target().id()
                                                + " reads "
                                                + columns
                                                + ", which does not come back exactly: new"
                                                + " rows of the target would not match it",
                                        DECLARE.formatted(columns)))
                .orElseGet(() -> new Select(part, text(part, condition)));
    }

    /// The columns of the WHERE that do not come back as they were.
    private static Optional<String> excluded(Part part) {
        Set<String> read =
                Stream.ofNullable(part.forward().where())
                        .flatMap(WayBackRule::columns)
                        .collect(Collectors.toCollection(LinkedHashSet::new));
        String changed =
                read.stream()
                        .filter(name -> !isKept(inverse(part, name)))
                        .collect(Collectors.joining(", "));
        return changed.isEmpty() ? Optional.empty() : Optional.of(changed);
    }

    private static boolean isKept(@Nullable Inverse inverse) {
        return inverse instanceof Inverse.Exact || inverse instanceof Inverse.Declared;
    }

    private static String text(Part part, Map<String, Node> condition) {
        List<String> outputs = new ArrayList<>();
        part.inverses()
                .forEach(
                        (name, inverse) ->
                                sql(inverse)
                                        .ifPresent(
                                                sql ->
                                                        outputs.add(
                                                                sql
                                                                        + " AS "
                                                                        + SqlRenderer.quoted(
                                                                                name))));
        Map<String, Node> all =
                new LinkedHashMap<>(WayBackDraft.constants(part.forward(), part.target()));
        all.putAll(condition);
        TableId target = part.target().id();
        return "SELECT "
                + String.join(", ", outputs)
                + " FROM "
                + SqlRenderer.quoted(target.schema())
                + "."
                + SqlRenderer.quoted(target.name())
                + (all.isEmpty() ? "" : " WHERE " + conditions(all));
    }

    private static String conditions(Map<String, Node> constants) {
        Function<Map.Entry<String, Node>, String> comparison =
                entry ->
                        SqlRenderer.quoted(entry.getKey())
                                + " = "
                                + SqlRenderer.sql(entry.getValue());
        return constants.entrySet().stream().map(comparison).collect(Collectors.joining(" AND "));
    }

    private static Optional<String> sql(Inverse inverse) {
        return switch (inverse) {
            case Inverse.Exact(String sql) -> Optional.of(sql);
            case Inverse.Declared(String sql) -> Optional.of(sql);
            case Inverse.Lossy(String sql, _) -> Optional.of(sql);
            case Inverse.None _, Inverse.Absent _ -> Optional.empty();
        };
    }

    /// A lossy inverse reads one target column, which the SELECT computes from one source column.
    static Map<String, Kept> kept(Part part, SelectStatement back) {
        Map<String, Kept> kept = new LinkedHashMap<>();
        for (SelectStatement.Item item : back.items()) {
            if (item instanceof SelectStatement.Item.Expression(_, Node node, String name)
                    && name != null
                    && part.inverses().get(name) instanceof Inverse.Lossy) {
                columns(node)
                        .findFirst()
                        .flatMap(column -> computed(part, column))
                        .ifPresent(found -> kept.put(name, found));
            }
        }
        return kept;
    }

    /// The expression of a target column; empty if it is a copy, which loses nothing.
    private static Optional<Kept> computed(Part part, String column) {
        Kind kind = ValueType.ofColumn(part.target().column(column).orElseThrow().type()).kind();
        return part.forward().items().stream()
                .flatMap(
                        item ->
                                item
                                                        instanceof
                                                        SelectStatement.Item.Expression(
                                                                _,
                                                                Node node,
                                                                String name)
                                                && column.equals(name)
                                                && !(node instanceof Node.Column)
                                        ? Stream.of(new Kept(node, kind.isText()))
                                        : Stream.empty())
                .findFirst();
    }

    static Stream<String> columns(Node node) {
        return node instanceof Node.Column(_, _, String name)
                ? Stream.of(name)
                : NodeParts.of(node).flatMap(WayBackRule::columns);
    }
}
