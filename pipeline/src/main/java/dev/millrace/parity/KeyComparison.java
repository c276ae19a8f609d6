package dev.millrace.parity;

import dev.millrace.change.TableId;
import dev.millrace.mapping.Mapping;
import dev.millrace.parity.ColumnComparison.Facts;
import dev.millrace.parity.SchemaFacts.Check;
import dev.millrace.parity.SchemaFacts.Index;
import dev.millrace.parity.SchemaFacts.Reference;
import dev.millrace.parity.SchemaFacts.Table;
import dev.millrace.parity.SchemaFinding.Kind;
import dev.millrace.postgres.Identifier;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/// Compares the unique keys, foreign keys, CHECK constraints and B-tree indexes of a source table
/// with those of a target table, as far as the columns are copied. Partial indexes, indexes over
/// expressions and the primary key are not compared. Not thread-safe; used for one mapping.
final class KeyComparison {

    private final Mapping mapping;
    private final Map<TableId, List<Mapping>> readers;
    private final Table from;
    private final Facts facts;
    private final Table to;
    private final TableId table;
    private final Map<String, String> copies;
    private final List<SchemaFinding> findings = new ArrayList<>();

    private KeyComparison(Mapping mapping, Map<TableId, List<Mapping>> readers, Facts facts) {
        this.mapping = mapping;
        this.readers = readers;
        this.facts = facts;
        this.from = facts.source().of(mapping.source());
        this.to = facts.target().of(mapping.target().table());
        this.table = mapping.target().table().whole();
        this.copies = bySource(mapping);
    }

    /// @param readers every mapping by the table that it reads
    static List<SchemaFinding> of(
            Mapping mapping, Map<TableId, List<Mapping>> readers, Facts facts) {
        KeyComparison comparison = new KeyComparison(mapping, readers, facts);
        comparison.from.indexes().forEach(comparison::compare);
        comparison.from.checks().forEach(comparison::compare);
        comparison.from.references().forEach(comparison::compare);
        return comparison.findings;
    }

    /// The first target column of each source column that is copied.
    private static Map<String, String> bySource(Mapping mapping) {
        Map<String, String> bySource = new HashMap<>();
        mapping.mapper().copies().forEach((column, from) -> bySource.putIfAbsent(from, column));
        return bySource;
    }

    /// Where the columns are on the target; empty unless all of them are copied.
    private static Optional<List<String>> mapped(Map<String, String> copies, List<String> columns) {
        return copies.keySet().containsAll(columns)
                ? Optional.of(
                        columns.stream().map(each -> copies.getOrDefault(each, each)).toList())
                : Optional.empty();
    }

    private void compare(Index index) {
        Optional<List<String>> columns = mapped(copies, index.columns());
        if (columns.isEmpty()) {
            return;
        }
        if (index.unique()) {
            if (to.indexes().stream().noneMatch(each -> keeps(each, columns.get()))) {
                findings.add(
                        SchemaFinding.warning(
                                Kind.CONSTRAINT,
                                table.toString(),
                                "has no unique key over (%s), which %s of %s is on the source: after the switchover duplicates are accepted"
                                        .formatted(
                                                String.join(", ", columns.get()),
                                                index.name(),
                                                mapping.source()),
                                create("UNIQUE INDEX", columns.get())));
            }
        } else if (to.indexes().stream().noneMatch(each -> finds(each, columns.get()))) {
            findings.add(
                    SchemaFinding.warning(
                            Kind.INDEX,
                            table.toString(),
                            "has no index that begins with (%s), which %s of %s does on the source: statements that use it would read the whole table"
                                    .formatted(
                                            String.join(", ", columns.get()),
                                            index.name(),
                                            mapping.source()),
                            create("INDEX", columns.get())));
        }
    }

    /// Whether rows that the source keeps apart by these columns stay apart. A column that the
    /// SELECT computes may say from which table a row comes.
    private boolean keeps(Index index, List<String> columns) {
        Set<String> others = new HashSet<>(index.columns());
        others.removeAll(columns);
        return index.unique()
                && others.size() < index.columns().size()
                && others.stream()
                        .allMatch(
                                column ->
                                        mapping.target().position(column) >= 0
                                                && !copies.containsValue(column));
    }

    private static boolean finds(Index index, List<String> columns) {
        return index.columns().size() >= columns.size()
                && index.columns().subList(0, columns.size()).equals(columns);
    }

    private String create(String what, List<String> columns) {
        return "CREATE %s%s ON %s (%s);"
                .formatted(
                        what,
                        to.partitioned() ? "" : " CONCURRENTLY",
                        Identifier.quote(table),
                        quoted(columns));
    }

    private void compare(Check check) {
        Optional<List<String>> columns = mapped(copies, check.columns());
        if (columns.isEmpty()) {
            return;
        }
        Set<String> wanted = Set.copyOf(columns.get());
        if (to.checks().stream().anyMatch(each -> Set.copyOf(each.columns()).equals(wanted))) {
            return;
        }
        boolean sameNames = columns.get().equals(check.columns());
        findings.add(
                SchemaFinding.warning(
                        Kind.CONSTRAINT,
                        table.toString(),
                        "has no CHECK constraint over (%s), which %s of %s is on the source: after the switchover rows are accepted that the way back cannot carry"
                                .formatted(
                                        String.join(", ", columns.get()),
                                        check.name(),
                                        mapping.source()),
                        sameNames
                                ? addConstraint(check.name(), unvalidated(check.definition()))
                                : "Add it under the names of the target: " + check.definition()));
    }

    private static String unvalidated(String definition) {
        return definition.endsWith(" NOT VALID")
                ? definition.substring(0, definition.length() - " NOT VALID".length())
                : definition;
    }

    private void compare(Reference reference) {
        Optional<List<String>> columns = mapped(copies, reference.columns());
        if (columns.isEmpty()
                || to.references().stream()
                        .anyMatch(
                                each ->
                                        Set.copyOf(each.columns())
                                                .equals(Set.copyOf(columns.get())))) {
            return;
        }
        for (Mapping other : readers.getOrDefault(reference.table(), List.of())) {
            Optional<List<String>> keys = mapped(bySource(other), reference.keys());
            if (keys.isPresent() && isUnique(other, keys.get())) {
                findings.add(
                        SchemaFinding.warning(
                                Kind.CONSTRAINT,
                                table.toString(),
                                "has no foreign key (%s) to %s, which %s of %s is on the source: after the switchover rows without their parent are accepted"
                                        .formatted(
                                                String.join(", ", columns.get()),
                                                other.target().table().whole(),
                                                reference.name(),
                                                mapping.source()),
                                addConstraint(
                                        reference.name(),
                                        "FOREIGN KEY (%s) REFERENCES %s (%s)"
                                                .formatted(
                                                        quoted(columns.get()),
                                                        Identifier.quote(other.target().table()),
                                                        quoted(keys.get())))));
                return;
            }
        }
    }

    /// Without such a key the target cannot have the foreign key.
    private boolean isUnique(Mapping other, List<String> keys) {
        return facts.target().of(other.target().table()).indexes().stream()
                .anyMatch(
                        index ->
                                index.unique()
                                        && Set.copyOf(index.columns()).equals(Set.copyOf(keys)));
    }

    private String addConstraint(String name, String definition) {
        return "ALTER TABLE %s ADD CONSTRAINT %s %s;"
                .formatted(Identifier.quote(table), Identifier.quote(name), definition);
    }

    private static String quoted(List<String> columns) {
        return columns.stream().map(Identifier::quote).collect(Collectors.joining(", "));
    }
}
