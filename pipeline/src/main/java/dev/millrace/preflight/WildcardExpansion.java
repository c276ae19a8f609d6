package dev.millrace.preflight;

import dev.millrace.change.TableId;
import dev.millrace.postgres.Catalog;
import dev.millrace.postgres.Identifier;
import dev.millrace.postgres.TableFacts;
import dev.millrace.spec.MigrationSpec;
import dev.millrace.spec.MigrationSpec.TableEntry;
import dev.millrace.spec.Problem;
import dev.millrace.sql.Relation;
import dev.millrace.sql.SelectParser;
import dev.millrace.sql.SelectParser.ParseResult;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/// Makes an entry of its own of every table that a wildcard means: all ordinary tables and
/// partition roots of the source schema that no explicit entry takes care of, columns by name. What
/// is left out is noted.
final class WildcardExpansion {

    private final Catalog source;
    private final Catalog target;
    private final PinnedTables pinned;
    private final List<SpecProblem> problems;
    private final List<Finding> notes = new ArrayList<>();

    WildcardExpansion(
            Catalog source, Catalog target, PinnedTables pinned, List<SpecProblem> problems) {
        this.source = source;
        this.target = target;
        this.pinned = pinned;
        this.problems = problems;
    }

    /// The entry with the columns that its `*` stood for when the migration began.
    DeclaredTable pinned(DeclaredTable table, TableId id) {
        Optional<List<String>> columns = pinned.of(id);
        Optional<Relation> now =
                table.statement().hasStar() && columns.isPresent()
                        ? source.relation(id)
                        : Optional.empty();
        if (now.isEmpty()) {
            return table;
        }
        laterColumns(now.get(), columns.get());
        return table.withColumns(columns.get());
    }

    private void laterColumns(Relation table, List<String> known) {
        table.columns().stream()
                .map(Relation.Column::name)
                .filter(name -> !known.contains(name))
                .forEach(name -> notes.add(later(table.id() + "." + name)));
    }

    private static Finding later(String object) {
        return Finding.warning(
                "wildcard",
                object,
                "was added after the migration began and does not arrive",
                "to move it, begin a migration under another name");
    }

    List<Finding> notes() {
        return notes;
    }

    List<DeclaredTable> expand(
            MigrationSpec spec,
            List<DeclaredTable> explicit,
            Map<DeclaredTable, TableId> explicitSources) {
        Set<TableId> taken = explicitTargets(spec);
        Set<TableId> moved = Set.copyOf(explicitSources.values());
        List<DeclaredTable> declared = new ArrayList<>();
        Set<TableId> filled = new HashSet<>();
        for (TableEntry entry : spec.tables()) {
            if (entry instanceof TableEntry.Wildcard wildcard) {
                for (DeclaredTable table : expand(wildcard, taken, moved)) {
                    if (filled.add(table.target())) {
                        declared.add(table);
                    } else {
                        problem(
                                wildcard,
                                table.target() + " is filled by another wildcard too",
                                "name it in an entry of its own");
                    }
                }
            }
        }
        return declared;
    }

    /// Also of entries whose SELECT can't be read: they still win.
    private static Set<TableId> explicitTargets(MigrationSpec spec) {
        Set<TableId> targets = new HashSet<>();
        for (TableEntry entry : spec.tables()) {
            switch (entry) {
                case TableEntry.Select select -> targets.add(select.target());
                case TableEntry.Wildcard _ -> {}
            }
        }
        return targets;
    }

    private List<DeclaredTable> expand(
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
                leftOut(table);
            }
        }
        Map<TableId, Relation> targets = target.relations(targets(wildcard, carried));
        Map<TableId, Relation> sources = source.relations(carried);
        List<DeclaredTable> declared = new ArrayList<>();
        for (TableId id : carried) {
            TableId into = new TableId(wildcard.targetSchema(), id.name());
            Relation from = sources.get(id);
            Relation to = targets.get(into);
            if (from == null || taken.contains(into)) {
                continue;
            }
            if (to == null && moved.contains(id)) {
                notes.add(
                        Finding.ok(
                                "wildcard",
                                id.toString(),
                                "is moved by an entry of its own; the target has no table "
                                        + into));
            } else if (to == null) {
                problem(
                        wildcard,
                        "the target has no table " + into,
                        "make it there first, or move " + id + " by an entry of its own");
            } else {
                declared.add(asItIs(wildcard, from, to));
            }
        }
        if (carried.isEmpty()) {
            problem(
                    wildcard,
                    "schema " + wildcard.sourceSchema() + " has no table to move",
                    "leave the entry out, or name the schema that holds the tables");
        }
        return declared;
    }

    private static Collection<TableId> targets(
            TableEntry.Wildcard wildcard, List<TableId> sources) {
        return sources.stream().map(id -> new TableId(wildcard.targetSchema(), id.name())).toList();
    }

    private boolean isLater(TableId table, TableId into, Set<TableId> taken) {
        return pinned.hasBegun()
                && !taken.contains(into)
                && !pinned.isTarget(into)
                && pinned.of(table).isEmpty();
    }

    /// A column that the target generates is the target's own.
    private DeclaredTable asItIs(TableEntry.Wildcard wildcard, Relation from, Relation to) {
        List<String> all = from.columns().stream().map(Relation.Column::name).toList();
        List<String> known = pinned.of(from.id()).orElse(all);
        laterColumns(from, known);
        String columns =
                known.stream()
                        .filter(
                                column ->
                                        to.column(column)
                                                .filter(Relation.Column::generated)
                                                .isEmpty())
                        .map(Identifier::quote)
                        .collect(Collectors.joining(", "));
        String select = "SELECT " + columns + " FROM " + Identifier.quote(from.id());
        return switch (SelectParser.parse(select)) {
            case ParseResult.Parsed(var statement) ->
                    new DeclaredTable(
                            to.id(), statement, List.of(), wildcard.at(), _ -> wildcard.at());
            case ParseResult.Refused(var refused) ->
                    throw new IllegalStateException(
                            "a list of columns can't be read: " + refused.getFirst().message());
        };
    }

    private void leftOut(TableFacts table) {
        String object = table.id().toString();
        switch (table.kind()) {
            case VIEW, MATERIALIZED_VIEW ->
                    notes.add(Finding.ok("wildcard", object, "is a view and is left out"));
            case FOREIGN_TABLE ->
                    notes.add(
                            Finding.warning(
                                    "wildcard",
                                    object,
                                    "is a foreign table and is left out",
                                    "migrate it from the server that holds it"));
            case TABLE, PARTITIONED_TABLE ->
                    notes.add(
                            Finding.warning(
                                    "wildcard",
                                    object,
                                    "is unlogged, its changes are not in the log, and is left out",
                                    "ALTER TABLE "
                                            + Identifier.quote(table.id())
                                            + " SET LOGGED; if it shall move"));
        }
    }

    private void problem(TableEntry.Wildcard wildcard, String message, String remedy) {
        problems.add(
                new SpecProblem(
                        new Problem(
                                wildcard.at(),
                                "tables[\"" + wildcard.targetSchema() + ".*\"]",
                                message,
                                remedy)));
    }
}
