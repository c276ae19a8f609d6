package dev.millrace.preflight.compile;

import dev.millrace.change.TableId;
import dev.millrace.control.MigrationStart;
import dev.millrace.postgres.Catalog;
import dev.millrace.postgres.Identifier;
import dev.millrace.postgres.TableFacts;
import dev.millrace.preflight.compile.SpecCompiler.Exclusion;
import dev.millrace.problem.Problem;
import dev.millrace.spec.MigrationSpec;
import dev.millrace.spec.MigrationSpec.TableEntry;
import dev.millrace.sql.Relation;
import dev.millrace.sql.SelectStatement;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/// Expands wildcards into one entry per table: every ordinary table and partition root of the
/// source schema that no explicit entry declares, with columns by name. Tables that are left out
/// are reported. Not thread-safe; used for one compilation.
final class WildcardExpansion {

    private final Catalog source;
    private final Catalog target;
    private final MigrationStart pinned;
    private final List<Problem> problems;
    private final List<Exclusion> notes = new ArrayList<>();

    WildcardExpansion(
            Catalog source, Catalog target, MigrationStart pinned, List<Problem> problems) {
        this.source = source;
        this.target = target;
        this.pinned = pinned;
        this.problems = problems;
    }

    /// The entry with the columns that its `*` covered when the migration started.
    TableEntry.Select pinned(TableEntry.Select table, TableId id) {
        Optional<List<String>> columns = pinned.of(id);
        Optional<Relation> now =
                table.statement().hasStar() && columns.isPresent()
                        ? source.relation(id)
                        : Optional.empty();
        if (now.isEmpty()) {
            return table;
        }
        laterColumns(now.get(), columns.get());
        return table.with(table.statement().withColumns(columns.get()));
    }

    private void laterColumns(Relation table, List<String> known) {
        table.columns().stream()
                .map(Relation.Column::name)
                .filter(name -> !known.contains(name))
                .forEach(name -> notes.add(later(table.id() + "." + name)));
    }

    private static Exclusion later(String object) {
        return new Exclusion(
                object,
                "was added after the migration began and is not replicated",
                "To migrate it, start another migration under another name.");
    }

    List<Exclusion> notes() {
        return notes;
    }

    /// @param explicitSources source tables of the explicit entries
    List<TableEntry.Select> expand(MigrationSpec spec, Collection<TableId> explicitSources) {
        Set<TableId> taken = explicitTargets(spec);
        Set<TableId> moved = Set.copyOf(explicitSources);
        List<TableEntry.Select> declared = new ArrayList<>();
        Set<TableId> filled = new HashSet<>();
        for (TableEntry entry : spec.tables()) {
            if (entry instanceof TableEntry.Wildcard wildcard) {
                for (TableEntry.Select table : expand(wildcard, taken, moved)) {
                    if (filled.add(table.target())) {
                        declared.add(table);
                    } else {
                        problem(
                                wildcard,
                                table.target() + " is also filled by another wildcard",
                                "declare it in a separate entry");
                    }
                }
            }
        }
        return declared;
    }

    private static Set<TableId> explicitTargets(MigrationSpec spec) {
        Set<TableId> targets = new HashSet<>();
        for (TableEntry entry : spec.tables()) {
            switch (entry) {
                case TableEntry.Select table -> targets.add(table.target());
                case TableEntry.Wildcard _ -> {}
            }
        }
        return targets;
    }

    private List<TableEntry.Select> expand(
            TableEntry.Wildcard wildcard, Set<TableId> taken, Set<TableId> moved) {
        if (!source.schemaExists(wildcard.sourceSchema())) {
            problem(
                    wildcard,
                    "the source has no schema " + wildcard.sourceSchema(),
                    SourceTableHint.ofSchema(source.schemas(), wildcard.sourceSchema()));
            return List.of();
        }
        List<TableFacts> tables = source.tables(wildcard.sourceSchema());
        List<TableId> carried = new ArrayList<>();
        for (TableFacts table : tables) {
            TableId into = new TableId(wildcard.targetSchema(), table.id().name());
            if (table.isCarried() && isLater(table.id(), into, taken)) {
                notes.add(later(table.id().toString()));
            } else if (table.isCarried()) {
                carried.add(table.id());
            } else if (!table.isPartition()) {
                noteExcluded(table);
            }
        }
        Map<TableId, Relation> targets = target.relations(targets(wildcard, carried));
        Map<TableId, Relation> sources = source.relations(carried);
        List<TableEntry.Select> declared = new ArrayList<>();
        for (TableId id : carried) {
            TableId into = new TableId(wildcard.targetSchema(), id.name());
            Relation from = sources.get(id);
            Relation to = targets.get(into);
            if (from == null || taken.contains(into)) {
                continue;
            }
            if (to == null && moved.contains(id)) {
                notes.add(
                        new Exclusion(
                                id.toString(),
                                "is declared in a separate entry; the target has no table " + into,
                                ""));
            } else if (to == null) {
                problem(
                        wildcard,
                        "the target has no table " + into,
                        "create it first, or declare " + id + " in a separate entry");
            } else {
                declared.add(copied(wildcard, from, to));
            }
        }
        if (carried.isEmpty()) {
            problem(
                    wildcard,
                    "schema " + wildcard.sourceSchema() + " has no table to migrate",
                    "remove the entry, or use the schema that contains the tables");
        }
        return declared;
    }

    private static Collection<TableId> targets(
            TableEntry.Wildcard wildcard, List<TableId> sources) {
        return sources.stream().map(id -> new TableId(wildcard.targetSchema(), id.name())).toList();
    }

    private boolean isLater(TableId table, TableId into, Set<TableId> taken) {
        return pinned.hasStarted()
                && !taken.contains(into)
                && !pinned.isTarget(into)
                && pinned.of(table).isEmpty();
    }

    /// The target computes its own generated columns.
    private TableEntry.Select copied(TableEntry.Wildcard wildcard, Relation from, Relation to) {
        List<String> all = from.columns().stream().map(Relation.Column::name).toList();
        List<String> known = pinned.of(from.id()).orElse(all);
        laterColumns(from, known);
        List<String> columns =
                known.stream()
                        .filter(
                                column ->
                                        to.column(column)
                                                .filter(Relation.Column::generated)
                                                .isEmpty())
                        .toList();
        return new TableEntry.Select(
                to.id(),
                SelectStatement.copying(
                        path(to.id().toString()), wildcard.at(), from.id(), columns),
                wildcard.at());
    }

    private static String path(String entry) {
        return "tables[\"" + entry + "\"]";
    }

    private void noteExcluded(TableFacts table) {
        String object = table.id().toString();
        switch (table.kind()) {
            case VIEW, MATERIALIZED_VIEW ->
                    notes.add(new Exclusion(object, "is a view and is not replicated", ""));
            case FOREIGN_TABLE ->
                    notes.add(
                            new Exclusion(
                                    object,
                                    "is a foreign table and is not replicated",
                                    "Migrate it from the server that stores it."));
            case TABLE, PARTITIONED_TABLE ->
                    notes.add(
                            new Exclusion(
                                    object,
                                    "is unlogged, so the WAL does not contain its changes, and"
                                            + " is not replicated",
                                    "ALTER TABLE "
                                            + Identifier.quote(table.id())
                                            + " SET LOGGED;"));
        }
    }

    private void problem(TableEntry.Wildcard wildcard, String message, String remedy) {
        problems.add(
                new Problem(wildcard.at(), path(wildcard.targetSchema() + ".*"), message, remedy));
    }
}
