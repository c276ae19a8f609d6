package dev.millrace.preflight.compile;

import dev.millrace.change.TableId;
import dev.millrace.mapping.Inverse;
import dev.millrace.mapping.Mapping;
import dev.millrace.mapping.SelectCompiler;
import dev.millrace.mapping.SelectCompiler.CompileResult;
import dev.millrace.mapping.WayBack;
import dev.millrace.mapping.WayBackDraft;
import dev.millrace.postgres.Session;
import dev.millrace.postgres.TableFacts;
import dev.millrace.preflight.compile.SpecCompiler.CompiledTable;
import dev.millrace.problem.Problem;
import dev.millrace.sql.Node;
import dev.millrace.sql.Relation;
import dev.millrace.sql.SelectParser;
import dev.millrace.sql.SelectParser.ParseResult;
import dev.millrace.sql.SelectStatement;
import dev.millrace.sql.SelectText;
import dev.millrace.sql.SqlRenderer;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// Compiles the way back of each source table, and proves on the target that PostgreSQL reads its
/// SELECT as Millrace does. What cannot come back is a value, not a problem: the migration runs
/// without. Only reads. Not thread-safe; confined to the thread that owns both sessions.
final class WayBackCompiler {

    private final Session source;
    private final Session target;
    private final String role;
    private final boolean replicaRole;
    private final CollationSchemas collations;

    WayBackCompiler(Session source, Session target, CollationSchemas collations) {
        this.source = source;
        this.target = target;
        this.role = String.valueOf(source.texts("SELECT current_user").getFirst().getFirst());
        this.collations = collations;
        this.replicaRole = source.server().maySetReplicationRole();
    }

    /// At least one value for each source table that has a mapping, in the order of the file.
    List<WayBack> compile(List<CompiledTable> tables) {
        Map<TableId, List<CompiledTable>> bySource = new LinkedHashMap<>();
        tables.stream()
                .filter(table -> table.mapping().isPresent())
                .forEach(
                        table ->
                                bySource.computeIfAbsent(
                                                table.source().id(), _ -> new ArrayList<>())
                                        .add(table));
        Map<TableId, TableFacts> facts = source.sourceCatalog().facts(bySource.keySet());
        List<WayBack> back = new ArrayList<>();
        bySource.forEach(
                (id, parts) ->
                        back.addAll(compiled(id, parts, Optional.ofNullable(facts.get(id)))));
        return List.copyOf(back);
    }

    private List<WayBack> compiled(
            TableId id, List<CompiledTable> parts, Optional<TableFacts> facts) {
        List<WayBack.Partial> partial = new ArrayList<>();
        List<WayBack.Whole> whole = new ArrayList<>();
        for (WayBackDraft draft :
                WayBackDraft.of(parts.stream().map(WayBackCompiler::part).toList())) {
            switch (compiled(id, draft, parts, facts)) {
                case WayBack.Partial each -> partial.add(each);
                case WayBack.Whole each -> whole.add(each);
            }
        }
        if (!partial.isEmpty()) {
            return List.copyOf(partial);
        }
        boolean splitsRows = parts.stream().filter(part -> !part.isFiltered()).count() > 1;
        return List.copyOf(splitsRows ? split(parts.getFirst().source(), whole) : whole);
    }

    private static List<WayBack.Whole> split(Relation source, List<WayBack.Whole> whole) {
        List<String> stored =
                source.columns().stream()
                        .filter(column -> !column.generated())
                        .map(Relation.Column::name)
                        .toList();
        List<String> supplied =
                whole.stream()
                        .flatMap(each -> each.mapping().target().columns().stream())
                        .distinct()
                        .toList();
        List<WayBack.Whole> parts = new ArrayList<>();
        for (WayBack.Whole each : whole) {
            parts.add(each.as(new WayBack.PartOf(parts.size(), whole.size(), stored, supplied)));
        }
        return parts;
    }

    /// The source has rows that the SELECT excludes. They do not take part in a comparison.
    private static Mapping within(Mapping back, CompiledTable entry) {
        Node where = entry.declared().statement().where();
        return where == null ? back : back.within(SqlRenderer.sql(where));
    }

    private static WayBackDraft.Part part(CompiledTable table) {
        return new WayBackDraft.Part(
                table.declared().statement(), table.source(), table.target(), table.inverses());
    }

    private WayBack compiled(
            TableId id, WayBackDraft draft, List<CompiledTable> parts, Optional<TableFacts> facts) {
        return switch (draft) {
            case WayBackDraft.Hindered(String reason, String remedy) ->
                    new WayBack.Partial(id, reason, remedy);
            case WayBackDraft.Select select -> {
                CompiledTable entry =
                        parts.stream()
                                .filter(
                                        table ->
                                                table.target()
                                                        .id()
                                                        .equals(select.part().target().id()))
                                .findFirst()
                                .orElseThrow();
                yield compiled(select, entry, facts);
            }
        };
    }

    private WayBack compiled(
            WayBackDraft.Select draft, CompiledTable entry, Optional<TableFacts> facts) {
        SelectText text =
                SelectText.implied(
                        entry.declared().text().path(), draft.text(), entry.declared().at());
        return switch (SelectParser.parse(text)) {
            case ParseResult.Refused(List<Problem> problems) -> partial(entry, problems);
            case ParseResult.Parsed(SelectStatement statement)
                    when !collations.allow(statement, entry.target()) ->
                    new WayBack.Partial(
                            entry.source().id(),
                            "the role may not use the schema of a collation of "
                                    + entry.target().id(),
                            "Do what the check target.collation-privilege says.");
            case ParseResult.Parsed(SelectStatement statement) ->
                    switch (SelectCompiler.compileBack(
                            draft,
                            statement,
                            ReverseCompiler.caseMaps(target, statement, entry.target()))) {
                        case CompileResult.Refused(List<Problem> problems) ->
                                partial(entry, problems);
                        case CompileResult.Compiled(Mapping mapping, Map<String, Inverse> _) -> {
                            List<Problem> problems =
                                    SpecCompiler.differences(target, statement, mapping);
                            yield problems.isEmpty()
                                    ? facts.flatMap(
                                                    known ->
                                                            WritableSource.problem(
                                                                    known,
                                                                    mapping,
                                                                    role,
                                                                    replicaRole))
                                            .<WayBack>map(found -> found)
                                            .orElseGet(
                                                    () ->
                                                            new WayBack.Whole(
                                                                    within(mapping, entry),
                                                                    draft.kept(statement),
                                                                    Optional.empty()))
                                    : partial(entry, problems);
                        }
                    };
        };
    }

    private static WayBack partial(CompiledTable entry, List<Problem> problems) {
        Problem first = problems.getFirst();
        return new WayBack.Partial(
                entry.source().id(),
                "the SELECT that reads it back from "
                        + entry.target().id()
                        + " cannot be used: "
                        + first.message(),
                "Add a SELECT that supplies the column to reverse"
                        + (first.remedy().isEmpty() ? "." : ", or " + first.remedy() + "."));
    }
}
