package dev.millrace.mapping;

import dev.millrace.change.RowSchema;
import dev.millrace.expression.CaseMaps;
import dev.millrace.expression.ExpressionCompiler;
import dev.millrace.expression.Logic;
import dev.millrace.expression.SourceColumns;
import dev.millrace.expression.Typed;
import dev.millrace.problem.Problem;
import dev.millrace.sql.Node;
import dev.millrace.sql.NodeParts;
import dev.millrace.sql.ProblemLog;
import dev.millrace.sql.Refusal;
import dev.millrace.sql.Relation;
import dev.millrace.sql.SelectStatement;
import dev.millrace.sql.SqlRenderer;
import dev.millrace.sql.StatementCheck;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/// Compiles a statement into a mapping between two tables. A compiled mapping computes what
/// PostgreSQL computes; everything else is refused with its position. Pure; thread-safe.
public final class SelectCompiler {

    private final SelectStatement statement;
    private final Relation source;
    private final Relation target;
    private final ProblemLog problems;
    private final SourceColumns columns;
    private final ExpressionCompiler expressions;

    private SelectCompiler(
            SelectStatement statement, Relation source, Relation target, CaseMaps caseMaps) {
        this.statement = statement;
        this.source = source;
        this.target = target;
        this.problems = new ProblemLog(statement.written());
        this.columns = new SourceColumns(source, statement.source());
        this.expressions = new ExpressionCompiler(columns, caseMaps);
    }

    /// @param targetKey columns of the target key, in key order
    /// @param caseMaps the source's case maps; needed only when the statement changes case
    public static CompileResult compile(
            SelectStatement statement,
            Relation source,
            Relation target,
            List<String> targetKey,
            CaseMaps caseMaps) {
        return new SelectCompiler(statement, source, target, caseMaps)
                .mapping(targetKey, Use.FORWARD, Set.of());
    }

    /// Compiles a SELECT of `reverse`, which reads the target table and supplies some columns of
    /// the source table: at least its key.
    ///
    /// @param statement without a `*` and without a WHERE
    /// @param fixed columns of the target's key that the entry's SELECT fills with constants
    /// @param caseMaps the target's case maps; needed only when the statement changes case
    /// @return a mapping from the target table to the source table
    public static CompileResult compileReverse(
            SelectStatement statement,
            Relation target,
            Relation source,
            Set<String> fixed,
            CaseMaps caseMaps) {
        return new SelectCompiler(statement, target, source, caseMaps)
                .mapping(source.key(), Use.REVERSE, fixed);
    }

    /// Compiles the SELECT of a [WayBackDraft]. Its WHERE decides which rows of the target concern
    /// the source table.
    ///
    /// @param caseMaps the target's case maps; needed only when the statement changes case
    /// @return a mapping from the target table to the source table, which writes complete rows
    public static CompileResult compileBack(
            WayBackDraft.Select draft, SelectStatement statement, CaseMaps caseMaps) {
        Relation target = draft.part().target();
        Relation source = draft.part().source();
        Set<String> fixed =
                Stream.ofNullable(statement.where())
                        .flatMap(WayBackRule::columns)
                        .collect(Collectors.toSet());
        return new SelectCompiler(statement, target, source, caseMaps)
                .mapping(source.key(), Use.BACK, fixed);
    }

    private enum Use {
        FORWARD,
        REVERSE,
        BACK
    }

    private CompileResult mapping(List<String> targetKey, Use use, Set<String> fixed) {
        new StatementCheck(problems).check(statement);
        List<Output> outputs = outputs();
        List<Typed> where = where();
        boolean typed = problems.isEmpty();
        TargetFit fit = new TargetFit(source, target, problems);
        List<Output> written = fit.written(outputs);
        if (typed) {
            if (use != Use.REVERSE) {
                fit.checkSupplied(statement.source().at(), written, targetKey);
            }
            new KeyRule(source, target, use != Use.FORWARD, fixed, problems)
                    .check(statement.source().at(), written, targetKey);
        }
        if (!problems.isEmpty()) {
            return new CompileResult.Refused(problems.inOrder());
        }
        List<String> names =
                written.stream().map(output -> Objects.requireNonNull(output.name())).toList();
        RowSchema rowSchema = RowSchema.keyed(target.id(), names, targetKey);
        CompiledMapper mapper =
                new CompiledMapper(
                        source,
                        columns.used(),
                        written,
                        use == Use.BACK ? List.of() : where,
                        use == Use.BACK ? where : List.of(),
                        rowSchema);
        return new CompileResult.Compiled(
                new Mapping(
                                source.id(),
                                rowSchema,
                                written.stream().map(output -> output.type().sql()).toList(),
                                statement.text(),
                                rendered(outputs),
                                mapper)
                        .shownAs(statement.shown()),
                use == Use.FORWARD
                        ? new InverseRule(source, target, expressions)
                                .of(written, statement.where())
                        : declared(written));
    }

    private static Map<String, Inverse> declared(List<Output> written) {
        Map<String, Inverse> declared = new LinkedHashMap<>();
        for (Output output : written) {
            declared.put(
                    Objects.requireNonNull(output.name()),
                    new Inverse.Declared(
                            SqlRenderer.sql(
                                    output.node(), column -> SqlRenderer.quoted(column.name()))));
        }
        return Collections.unmodifiableMap(declared);
    }

    private List<Output> outputs() {
        List<Output> outputs = new ArrayList<>();
        for (SelectStatement.Item item : statement.items()) {
            try {
                switch (item) {
                    case SelectStatement.Item.Expression(int at, Node node, String name) ->
                            outputs.add(new Output(at, node, name, value(node)));
                    case SelectStatement.Item.Star star -> outputs.addAll(star(star));
                }
            } catch (Refusal refusal) {
                refusal.addTo(problems);
            }
        }
        return outputs;
    }

    private List<Output> star(SelectStatement.Item.Star star) {
        List<Output> outputs = new ArrayList<>();
        for (Relation.Column column : columns.star(star.at(), star.qualifier())) {
            Node.Column node = new Node.Column(star.at(), star.qualifier(), column.name());
            outputs.add(
                    new Output(
                            star.at(),
                            node,
                            column.name(),
                            new Output.Value.Copy(columns.number(column.name()), column)));
        }
        return outputs;
    }

    private Output.Value value(Node node) {
        reportUnknownColumns(node);
        if (node instanceof Node.Column column) {
            Relation.Column found = columns.column(column);
            return new Output.Value.Copy(columns.number(found.name()), found);
        }
        return new Output.Value.Computed(expressions.compile(node));
    }

    /// Reports every unknown column before another problem ends the typing of the expression.
    private void reportUnknownColumns(Node node) {
        if (node instanceof Node.Column column) {
            try {
                columns.column(column);
            } catch (Refusal refusal) {
                refusal.addTo(problems);
            }
        }
        NodeParts.of(node).forEach(this::reportUnknownColumns);
    }

    private List<Typed> where() {
        @Nullable Node where = statement.where();
        List<Typed> conditions = new ArrayList<>();
        if (where == null) {
            return conditions;
        }
        for (Node condition : Logic.conjuncts(where)) {
            try {
                reportUnknownColumns(condition);
                conditions.add(expressions.condition(condition));
            } catch (Refusal refusal) {
                refusal.addTo(problems);
            }
        }
        return conditions;
    }

    private String rendered(List<Output> outputs) {
        StringBuilder sql = new StringBuilder("SELECT ");
        for (int i = 0; i < outputs.size(); i++) {
            sql.append(i == 0 ? "" : ", ").append(SqlRenderer.sql(outputs.get(i).node()));
        }
        SelectStatement.Source from = statement.source();
        String alias = from.alias();
        String schema = from.schema();
        sql.append(" FROM ")
                .append(schema == null ? "" : SqlRenderer.quoted(schema) + ".")
                .append(SqlRenderer.quoted(from.name()))
                .append(alias == null ? "" : " AS " + SqlRenderer.quoted(alias));
        Node where = statement.where();
        return sql.append(where == null ? "" : " WHERE " + SqlRenderer.sql(where)).toString();
    }

    /// The outcome of compiling a statement.
    public sealed interface CompileResult {

        /// @param inverses how columns of the file's source table are computed back: each that is
        ///   not generated, or those that a SELECT of `reverse` declares
        record Compiled(Mapping mapping, Map<String, Inverse> inverses) implements CompileResult {}

        /// The statement cannot be a mapping between these two tables. Contains every problem
        /// found, in the order of the text.
        record Refused(List<Problem> problems) implements CompileResult {
            public Refused {
                problems = List.copyOf(problems);
                if (problems.isEmpty()) {
                    throw new IllegalArgumentException("a refusal names at least one problem");
                }
            }
        }
    }
}
