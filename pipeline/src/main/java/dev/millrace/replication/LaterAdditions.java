package dev.millrace.replication;

import dev.millrace.change.TableId;
import dev.millrace.mapping.Mapping;
import dev.millrace.postgres.Catalog;
import dev.millrace.postgres.Identifier;
import dev.millrace.postgres.TableFacts;
import dev.millrace.spec.MigrationSpec;
import dev.millrace.spec.MigrationSpec.TableEntry;
import dev.millrace.sql.Relation;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;

/// Finds the tables and columns that were added on the source after the migration began. A `*` in
/// the file stands for what existed then, so the additions are not replicated. Immutable.
///
/// @param columns the columns of each source table when the migration began, by its quoted name
public record LaterAdditions(
        MigrationSpec spec, List<Mapping> mappings, Map<String, Set<String>> columns) {

    /// @return one sentence per table or column
    public List<String> find(Catalog source) {
        List<String> found = new ArrayList<>();
        for (TableEntry entry : spec.tables()) {
            if (entry instanceof TableEntry.Wildcard wildcard) {
                source.tables(wildcard.sourceSchema()).stream()
                        .filter(TableFacts::isCarried)
                        .filter(table -> !columns.containsKey(Identifier.quote(table.id())))
                        .filter(table -> !explicit().contains(into(wildcard, table.id())))
                        .forEach(table -> found.add(sentence("table " + table.id())));
            }
        }
        for (Relation table : source.relations(starred()).values()) {
            Set<String> known = columns.getOrDefault(Identifier.quote(table.id()), Set.of());
            table.columns().stream()
                    .filter(column -> !known.contains(column.name()))
                    .forEach(
                            column ->
                                    found.add(
                                            sentence(
                                                    "column " + table.id() + "." + column.name())));
        }
        return List.copyOf(found);
    }

    private static String sentence(String what) {
        return what + " was added on the source after the migration began and is not replicated";
    }

    /// The source tables whose columns a `*` stands for.
    private Set<TableId> starred() {
        Set<TableId> written =
                spec.tables().stream()
                        .filter(TableEntry.Select.class::isInstance)
                        .map(TableEntry.Select.class::cast)
                        .filter(entry -> !entry.statement().hasStar())
                        .map(TableEntry.Select::target)
                        .collect(Collectors.toSet());
        return mappings.stream()
                .filter(mapping -> !written.contains(mapping.target().table()))
                .map(Mapping::source)
                .filter(source -> columns.containsKey(Identifier.quote(source)))
                .collect(Collectors.toCollection(TreeSet::new));
    }

    private Set<TableId> explicit() {
        return spec.tables().stream()
                .filter(TableEntry.Select.class::isInstance)
                .map(entry -> ((TableEntry.Select) entry).target())
                .collect(Collectors.toSet());
    }

    private static TableId into(TableEntry.Wildcard wildcard, TableId table) {
        return new TableId(wildcard.targetSchema(), table.name());
    }
}
