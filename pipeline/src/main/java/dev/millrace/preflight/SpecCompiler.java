package dev.millrace.preflight;

import dev.millrace.change.TableId;
import dev.millrace.expression.CaseMaps;
import dev.millrace.mapping.Mapping;
import dev.millrace.mapping.SelectCompiler;
import dev.millrace.mapping.SelectCompiler.CompileResult;
import dev.millrace.postgres.CaseMapReader;
import dev.millrace.postgres.Catalog;
import dev.millrace.postgres.Database.DatabaseFailure;
import dev.millrace.postgres.SelectProof;
import dev.millrace.postgres.Session;
import dev.millrace.postgres.SqlFailure;
import dev.millrace.spec.MigrationSpec;
import dev.millrace.sql.Relation;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/// Makes mappings of a file's entries against the catalogs of both sides, and lets the source prove
/// that each means to PostgreSQL what it means to us. Only reads; one thread, the owner of both
/// sessions.
final class SpecCompiler {

    /// What became of one entry.
    ///
    /// @param mapping empty when the entry has problems, or its source table can't be captured
    record Compiled(
            DeclaredTable declared, Relation source, Relation target, Optional<Mapping> mapping) {}

    /// @param notes what a wildcard left out, and why
    record Compilation(List<Compiled> tables, List<SpecProblem> problems, List<Finding> notes) {}

    private final Session sourceSession;
    private final Session targetSession;
    private final Catalog source;
    private final Catalog target;
    private final List<SpecProblem> problems = new ArrayList<>();

    SpecCompiler(Session source, Session target) {
        this.sourceSession = source;
        this.targetSession = target;
        this.source = source.sourceCatalog();
        this.target = target.targetCatalog();
    }

    Compilation compile(MigrationSpec spec) {
        PinnedTables pinned = PinnedTables.read(targetSession, spec.migration());
        WildcardExpansion expansion = new WildcardExpansion(source, target, pinned, problems);
        Map<DeclaredTable, TableId> sources = new LinkedHashMap<>();
        resolved(DeclaredTable.explicit(spec, problems))
                .forEach((table, id) -> sources.put(expansion.pinned(table, id), id));
        List<DeclaredTable> explicit = List.copyOf(sources.keySet());
        List<DeclaredTable> declared = new ArrayList<>(explicit);
        for (DeclaredTable each : expansion.expand(spec, explicit, sources)) {
            declared.add(each);
            resolved(List.of(each)).forEach(sources::put);
        }
        List<Compiled> tables = compile(declared, sources);
        return new Compilation(
                tables,
                problems.stream().sorted(Comparator.comparing(SpecProblem::at)).toList(),
                expansion.notes());
    }

    private Map<DeclaredTable, TableId> resolved(List<DeclaredTable> declared) {
        Map<DeclaredTable, TableId> sources = new LinkedHashMap<>();
        for (DeclaredTable table : declared) {
            Optional<String> schema = table.statement().schema();
            String name = table.statement().table();
            source.resolve(schema, name)
                    .ifPresentOrElse(
                            id -> sources.put(table, id),
                            () ->
                                    problems.add(
                                            table.problem(
                                                    "the source has no table "
                                                            + schema.map(s -> s + ".").orElse("")
                                                            + name,
                                                    SourceTableHint.of(source, schema, name))));
        }
        return sources;
    }

    private List<Compiled> compile(
            List<DeclaredTable> declared, Map<DeclaredTable, TableId> sources) {
        Map<TableId, Relation> from = source.relations(new LinkedHashSet<>(sources.values()));
        Map<TableId, Relation> to =
                target.relations(declared.stream().map(DeclaredTable::target).toList());
        CaseMaps caseMaps = caseMaps(declared, sources, from);
        List<Compiled> compiled = new ArrayList<>();
        for (DeclaredTable table : declared) {
            Relation into = to.get(table.target());
            if (into == null) {
                problems.add(
                        table.entryProblem(
                                "the target has no table " + table.target(),
                                "make it there first: Millrace fills tables, it doesn't create"
                                        + " them"));
            }
            Relation of = Optional.ofNullable(sources.get(table)).map(from::get).orElse(null);
            if (into != null && of != null) {
                compiled.add(compiled(table, of, into, caseMaps));
            }
        }
        return compiled;
    }

    /// A source table without a key isn't compiled: the check of its replica identity says more.
    private Compiled compiled(DeclaredTable table, Relation of, Relation into, CaseMaps caseMaps) {
        if (of.key().isEmpty() || into.key().isEmpty() || !keyFits(table, into)) {
            return new Compiled(table, of, into, Optional.empty());
        }
        List<String> key = table.key().isEmpty() ? into.key() : table.key();
        return switch (SelectCompiler.compile(table.statement(), of, into, key, caseMaps)) {
            case CompileResult.Refused(var refused) -> {
                refused.forEach(problem -> problems.add(table.problem(problem)));
                yield new Compiled(table, of, into, Optional.empty());
            }
            case CompileResult.Compiled(Mapping mapping) -> {
                prove(table, mapping);
                yield new Compiled(table, of, into, Optional.of(mapping));
            }
        };
    }

    private boolean keyFits(DeclaredTable table, Relation into) {
        boolean fits =
                table.key().isEmpty() || Set.copyOf(table.key()).equals(Set.copyOf(into.key()));
        if (!fits) {
            problems.add(
                    table.entryProblem(
                            "the key ("
                                    + String.join(", ", table.key())
                                    + ") is not the primary key of "
                                    + into.id()
                                    + ", which is ("
                                    + String.join(", ", into.key())
                                    + ")",
                            "leave the key out, or make it the table's primary key"));
        }
        return fits;
    }

    /// A privilege that is missing is another check's finding.
    private void prove(DeclaredTable table, Mapping mapping) {
        try {
            SelectProof.problems(sourceSession, mapping)
                    .forEach(problem -> problems.add(table.problem(problem)));
        } catch (DatabaseFailure failure) {
            if (failure.kind() != SqlFailure.NO_PRIVILEGE) {
                throw failure;
            }
        }
    }

    private CaseMaps caseMaps(
            List<DeclaredTable> declared,
            Map<DeclaredTable, TableId> sources,
            Map<TableId, Relation> relations) {
        Set<String> collations = new LinkedHashSet<>();
        for (DeclaredTable table : declared) {
            TableId id = sources.get(table);
            Relation relation = id == null ? null : relations.get(id);
            if (relation == null || !table.statement().changesCase()) {
                continue;
            }
            collations.add("default");
            relation.columns().stream()
                    .map(Relation.Column::collation)
                    .filter(collation -> !collation.name().isEmpty())
                    .forEach(collation -> collations.add(collation.name()));
        }
        return CaseMapReader.read(sourceSession, collations);
    }
}
