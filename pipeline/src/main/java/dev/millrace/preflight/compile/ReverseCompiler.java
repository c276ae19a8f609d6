package dev.millrace.preflight.compile;

import dev.millrace.change.TableId;
import dev.millrace.expression.CaseMaps;
import dev.millrace.mapping.Inverse;
import dev.millrace.mapping.SelectCompiler;
import dev.millrace.mapping.SelectCompiler.CompileResult;
import dev.millrace.mapping.WayBackDraft;
import dev.millrace.postgres.Catalog;
import dev.millrace.postgres.Session;
import dev.millrace.postgres.types.CaseMapReader;
import dev.millrace.problem.Problem;
import dev.millrace.spec.MigrationSpec.TableEntry;
import dev.millrace.sql.Relation;
import dev.millrace.sql.SelectStatement;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/// Compiles the SELECTs of `reverse` against both tables, and proves on the target that PostgreSQL
/// reads each as Millrace does. Only reads. Not thread-safe; used for one file.
final class ReverseCompiler {

    private record SourceColumn(TableId table, String column) {}

    /// @param filtered whether the entry's SELECT has a WHERE
    private record Declaration(TableId target, boolean filtered) {}

    private final Session session;
    private final Catalog catalog;
    private final CollationSchemas collations;
    private final List<Problem> problems;
    private final Map<SourceColumn, Declaration> declared = new HashMap<>();

    /// @param collations receives what the role may not use
    /// @param problems receives what is found
    ReverseCompiler(Session target, CollationSchemas collations, List<Problem> problems) {
        this.collations = collations;
        this.session = target;
        this.catalog = target.targetCatalog();
        this.problems = problems;
    }

    /// The inverses of an entry: those that it declares replace the derived ones.
    ///
    /// @param of the source table of the entry
    /// @param into the target table of the entry
    /// @param derived the inverse of each source column that is not generated
    Map<String, Inverse> completed(
            TableEntry.Select entry, Relation of, Relation into, Map<String, Inverse> derived) {
        Map<String, Inverse> inverses = new LinkedHashMap<>(derived);
        for (SelectStatement statement : entry.reverse()) {
            if (!readsTarget(statement, into.id()) || !collations.allow(statement, into)) {
                continue;
            }
            switch (SelectCompiler.compileReverse(
                    statement,
                    into,
                    of,
                    WayBackDraft.constants(entry.statement(), into).keySet(),
                    caseMaps(session, statement, into))) {
                case CompileResult.Refused(var refused) -> problems.addAll(refused);
                case CompileResult.Compiled(var mapping, var columns) -> {
                    problems.addAll(SpecCompiler.differences(session, statement, mapping));
                    columns.keySet().stream()
                            .filter(column -> !of.key().contains(column))
                            .forEach(column -> checkOnce(entry, statement, of.id(), column));
                    columns.forEach(
                            (column, inverse) ->
                                    inverses.merge(column, inverse, ReverseCompiler::replaced));
                }
            }
        }
        return inverses;
    }

    /// A declaration that repeats an exact inverse needs no proof.
    private static Inverse replaced(Inverse derived, Inverse declared) {
        return derived instanceof Inverse.Exact(String sql)
                        && declared.equals(new Inverse.Declared(sql))
                ? derived
                : declared;
    }

    private boolean readsTarget(SelectStatement statement, TableId target) {
        Optional<TableId> read = catalog.resolve(statement.schema(), statement.table());
        if (read.filter(target::equals).isEmpty()) {
            problems.add(
                    statement.problem(
                            statement.source().at(),
                            "a reverse SELECT must read the target table of its entry",
                            "write FROM " + target));
            return false;
        }
        return true;
    }

    static CaseMaps caseMaps(Session session, SelectStatement statement, Relation into) {
        return CaseMapReader.read(
                session, statement.changesCase() ? SpecCompiler.collations(into) : Set.of());
    }

    /// Two SELECTs that supply the same column of the same row would contradict each other. Target
    /// tables whose SELECTs have a WHERE may have different rows.
    private void checkOnce(
            TableEntry.Select entry, SelectStatement statement, TableId source, String column) {
        boolean filtered = entry.statement().isFiltered();
        Declaration first =
                declared.putIfAbsent(
                        new SourceColumn(source, column),
                        new Declaration(entry.target(), filtered));
        if (first == null
                || !first.target().equals(entry.target()) && (first.filtered() || filtered)) {
            return;
        }
        int at =
                statement.items().stream()
                        .filter(
                                item ->
                                        item instanceof SelectStatement.Item.Expression output
                                                && column.equals(output.alias()))
                        .mapToInt(SelectStatement.Item::at)
                        .findFirst()
                        .orElse(0);
        problems.add(
                statement.problem(
                        at,
                        "column "
                                + column
                                + " of "
                                + source
                                + " is already supplied by a reverse SELECT over "
                                + first.target(),
                        "remove it from one of the two"));
    }
}
