package dev.millrace.preflight.compile;

import dev.millrace.change.TableId;
import dev.millrace.control.MigrationStart;
import dev.millrace.expression.CaseMaps;
import dev.millrace.mapping.Inverse;
import dev.millrace.mapping.Mapping;
import dev.millrace.mapping.SelectCompiler;
import dev.millrace.mapping.SelectCompiler.CompileResult;
import dev.millrace.mapping.WayBack;
import dev.millrace.postgres.Catalog;
import dev.millrace.postgres.Database.DatabaseFailure;
import dev.millrace.postgres.Session;
import dev.millrace.postgres.SqlFailure;
import dev.millrace.postgres.select.SelectProof;
import dev.millrace.postgres.types.CaseMapReader;
import dev.millrace.problem.NearestName;
import dev.millrace.problem.Problem;
import dev.millrace.spec.MigrationSpec;
import dev.millrace.spec.MigrationSpec.TableEntry;
import dev.millrace.sql.Relation;
import dev.millrace.sql.SelectStatement;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeSet;

/// Compiles the entries of a file against the catalogs of both databases, and proves on the source
/// that PostgreSQL reads each SELECT as Millrace does. Only reads. Not thread-safe; confined to the
/// thread that owns both sessions.
public final class SpecCompiler {

    /// The compiled form of one target table: its declaration and both tables.
    ///
    /// @param mapping empty when the entry has problems, or its source table cannot be captured
    /// @param inverses of the source columns, with those that `reverse` declares; empty without a
    ///   mapping
    public record CompiledTable(
            TableEntry.Select declared,
            Relation source,
            Relation target,
            Optional<Mapping> mapping,
            Map<String, Inverse> inverses) {

        /// Source columns that the SELECT reads other than by copying them.
        public Set<String> computedColumns() {
            return declared.statement().computedColumns();
        }

        /// Source columns that the SELECT copies.
        public Set<String> copiedColumns() {
            return declared.statement()
                    .copiedColumns(source.columns().stream().map(Relation.Column::name).toList());
        }

        public boolean isFiltered() {
            return declared.statement().isFiltered();
        }
    }

    /// @param tables tables that exist on both sides, in the order of the file
    /// @param notes what a wildcard excludes, and why
    /// @param back how the changes of the target come back to each source table that has a mapping
    /// @param hiddenOnSource schemas of collations that the role may not use although a SELECT
    ///   needs them, with the columns; their tables have no mapping
    /// @param hiddenOnTarget those that a SELECT of `reverse` needs
    public record Compilation(
            List<CompiledTable> tables,
            List<Problem> problems,
            List<Exclusion> notes,
            List<WayBack> back,
            SortedMap<String, SortedSet<String>> hiddenOnSource,
            SortedMap<String, SortedSet<String>> hiddenOnTarget) {}

    /// Something that a wildcard does not migrate.
    ///
    /// @param object the table, column or schema
    /// @param message what is true of the object
    /// @param remedy what to do; empty if this is to be expected
    public record Exclusion(String object, String message, String remedy) {}

    private final Session sourceSession;
    private final Session targetSession;
    private final Catalog source;
    private final Catalog target;
    private final List<Problem> problems = new ArrayList<>();
    private final CollationSchemas sourceCollations;
    private final CollationSchemas targetCollations;
    private final ReverseCompiler reverse;

    public SpecCompiler(Session source, Session target) {
        this.sourceSession = source;
        this.targetSession = target;
        this.source = source.sourceCatalog();
        this.target = target.targetCatalog();
        this.sourceCollations = new CollationSchemas(source);
        this.targetCollations = new CollationSchemas(target);
        this.reverse = new ReverseCompiler(target, targetCollations, problems);
    }

    public Compilation compile(MigrationSpec spec) {
        MigrationStart pinned = MigrationStart.read(targetSession, spec.migration());
        WildcardExpansion expansion = new WildcardExpansion(source, target, pinned, problems);
        Map<TableEntry.Select, TableId> sources = new LinkedHashMap<>();
        resolved(explicit(spec))
                .forEach((table, id) -> sources.put(expansion.pinned(table, id), id));
        List<TableEntry.Select> declared = new ArrayList<>(sources.keySet());
        for (TableEntry.Select each : expansion.expand(spec, sources.values())) {
            declared.add(each);
            resolved(List.of(each)).forEach(sources::put);
        }
        List<CompiledTable> tables = compile(declared, sources);
        tables.forEach(table -> checkSensitive(table, spec.sensitive().tables()));
        List<WayBack> back =
                new WayBackCompiler(sourceSession, targetSession, targetCollations).compile(tables);
        return new Compilation(
                tables,
                problems.stream().sorted(Comparator.comparing(Problem::at)).toList(),
                expansion.notes(),
                back,
                sourceCollations.hidden(),
                targetCollations.hidden());
    }

    private static List<TableEntry.Select> explicit(MigrationSpec spec) {
        return spec.tables().stream()
                .filter(TableEntry.Select.class::isInstance)
                .map(TableEntry.Select.class::cast)
                .toList();
    }

    private Map<TableEntry.Select, TableId> resolved(List<TableEntry.Select> declared) {
        Map<TableEntry.Select, TableId> sources = new LinkedHashMap<>();
        for (TableEntry.Select table : declared) {
            Optional<String> schema = table.statement().schema();
            String name = table.statement().table();
            source.resolve(schema, name)
                    .ifPresentOrElse(
                            id -> sources.put(table, id),
                            () ->
                                    problems.add(
                                            problem(
                                                    table,
                                                    "the source has no table "
                                                            + schema.map(s -> s + ".").orElse("")
                                                            + name,
                                                    SourceTableHint.of(source, schema, name))));
        }
        return sources;
    }

    private List<CompiledTable> compile(
            List<TableEntry.Select> declared, Map<TableEntry.Select, TableId> sources) {
        Map<TableId, Relation> from = source.relations(new LinkedHashSet<>(sources.values()));
        Map<TableId, Relation> to =
                target.relations(declared.stream().map(TableEntry.Select::target).toList());
        CaseMaps caseMaps = caseMaps(declared, sources, from);
        List<CompiledTable> compiled = new ArrayList<>();
        for (TableEntry.Select table : declared) {
            Relation into = to.get(table.target());
            if (into == null) {
                problems.add(
                        entryProblem(
                                table,
                                "the target has no table " + table.target(),
                                "create it first; Millrace fills tables but does not create them"));
            }
            Relation of = Optional.ofNullable(sources.get(table)).map(from::get).orElse(null);
            if (into != null && of != null) {
                compiled.add(compiled(table, of, into, caseMaps));
            }
        }
        return compiled;
    }

    /// A source table without a key is not compiled; the check of its replica identity reports it.
    /// Another check reports collations that the role may not use.
    private CompiledTable compiled(
            TableEntry.Select table, Relation of, Relation into, CaseMaps caseMaps) {
        // Also when the SELECT itself is not compiled, so that one run of plan names all schemas.
        table.reverse().forEach(statement -> targetCollations.allow(statement, into));
        if (of.key().isEmpty()
                || into.key().isEmpty()
                || !keyFits(table, into)
                || !sourceCollations.allow(table.statement(), of)) {
            return new CompiledTable(table, of, into, Optional.empty(), Map.of());
        }
        List<String> key = table.key().isEmpty() ? into.key() : table.key();
        return switch (SelectCompiler.compile(table.statement(), of, into, key, caseMaps)) {
            case CompileResult.Refused(var refused) -> {
                problems.addAll(refused);
                yield new CompiledTable(table, of, into, Optional.empty(), Map.of());
            }
            case CompileResult.Compiled(Mapping mapping, Map<String, Inverse> inverses) -> {
                prove(table, mapping);
                Map<String, Inverse> all = reverse.completed(table, of, into, inverses);
                yield new CompiledTable(table, of, into, Optional.of(mapping), all);
            }
        };
    }

    private boolean keyFits(TableEntry.Select table, Relation into) {
        boolean fits =
                table.key().isEmpty() || Set.copyOf(table.key()).equals(Set.copyOf(into.key()));
        if (!fits) {
            problems.add(
                    entryProblem(
                            table,
                            "the key ("
                                    + String.join(", ", table.key())
                                    + ") is not the primary key of "
                                    + into.id()
                                    + ", which is ("
                                    + String.join(", ", into.key())
                                    + ")",
                            "remove key, or change the table's primary key"));
        }
        return fits;
    }

    /// A misspelled column would appear in reports as it is.
    private void checkSensitive(CompiledTable table, Map<TableId, Set<String>> sensitive) {
        List<String> known = table.target().columns().stream().map(Relation.Column::name).toList();
        for (String name :
                new TreeSet<>(sensitive.getOrDefault(table.declared().target(), Set.of()))) {
            if (!known.contains(name)) {
                problems.add(
                        entryProblem(
                                table.declared(),
                                "sensitive names the column "
                                        + name
                                        + ", which "
                                        + table.target().id()
                                        + " does not have",
                                NearestName.hint(name, known)));
            }
        }
    }

    private void prove(TableEntry.Select table, Mapping mapping) {
        problems.addAll(differences(sourceSession, table.statement(), mapping));
    }

    /// What proves that PostgreSQL reads a SELECT in another way. Another check reports a missing
    /// privilege.
    static List<Problem> differences(Session session, SelectStatement statement, Mapping mapping) {
        try {
            return SelectProof.problems(session, statement, mapping);
        } catch (DatabaseFailure failure) {
            if (failure.kind() != SqlFailure.NO_PRIVILEGE) {
                throw failure;
            }
            return List.of();
        }
    }

    /// A problem of the SELECT as a whole.
    private static Problem problem(TableEntry.Select table, String message, String remedy) {
        return table.text().problem(0, message, remedy);
    }

    /// A problem of the entry.
    private static Problem entryProblem(TableEntry.Select table, String message, String remedy) {
        return new Problem(table.at(), table.text().path(), message, remedy);
    }

    private CaseMaps caseMaps(
            List<TableEntry.Select> declared,
            Map<TableEntry.Select, TableId> sources,
            Map<TableId, Relation> relations) {
        Set<String> collations = new LinkedHashSet<>();
        for (TableEntry.Select table : declared) {
            TableId id = sources.get(table);
            Relation relation = id == null ? null : relations.get(id);
            if (relation == null
                    || !table.statement().changesCase()
                    || !sourceCollations.allow(table.statement(), relation)) {
                continue;
            }
            collations.addAll(collations(relation));
        }
        return CaseMapReader.read(sourceSession, collations);
    }

    /// The collations under which the columns of a table change case.
    static Set<String> collations(Relation relation) {
        Set<String> collations = new LinkedHashSet<>();
        collations.add("default");
        relation.columns().stream()
                .map(Relation.Column::collation)
                .filter(collation -> !collation.name().isEmpty())
                .forEach(collation -> collations.add(collation.name()));
        return collations;
    }
}
