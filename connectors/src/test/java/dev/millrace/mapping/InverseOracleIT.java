package dev.millrace.mapping;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.change.TableId;
import dev.millrace.expression.CaseMaps;
import dev.millrace.expression.ExpressionCompiler;
import dev.millrace.expression.SourceColumns;
import dev.millrace.mapping.SelectCompiler.CompileResult;
import dev.millrace.sql.Refusal;
import dev.millrace.sql.Relation;
import dev.millrace.sql.SelectParser;
import dev.millrace.sql.SelectParser.ParseResult;
import dev.millrace.sql.SelectStatement;
import dev.millrace.sql.ValueType;
import dev.millrace.testing.PostgresServer;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/// Every inverse that is called exact, over up to two operations around each column, computed by a
/// real PostgreSQL for rows on the edges: the value comes back as the same text, and the SELECT
/// gives back every value of the target that the inverse accepts.
class InverseOracleIT {

    private static final int BATCH = 100;

    private static final List<String> NUMBER_OPERATIONS =
            List.of(
                    "(%s + 7)",
                    "(0.50 + %s)",
                    "(%s - 1.5)",
                    "(%s * 100)",
                    "(%s * 0.1)",
                    "(%s * -1)",
                    "(%s * 3)",
                    "(%s / 10)",
                    "(- %s)",
                    "CAST(%s AS smallint)",
                    "CAST(%s AS integer)",
                    "CAST(%s AS bigint)",
                    "CAST(%s AS numeric)",
                    "CAST(%s AS numeric(20,2))",
                    "CAST(%s AS text)",
                    "coalesce(%s, 0)");

    private static final List<String> OTHER_OPERATIONS =
            List.of(
                    "(NOT %s)",
                    "lower(%s)",
                    "btrim(%s)",
                    "nullif(%s, 'abc')",
                    "CAST(%s AS text)",
                    "CAST(%s AS varchar(10))",
                    "CAST(%s AS varchar(4))",
                    "CAST(%s AS char(6))",
                    "CAST(%s AS integer)",
                    "CAST(%s AS boolean)",
                    "CAST(%s AS date)",
                    "CAST(%s AS timestamp)",
                    "CAST(%s AS timestamptz)",
                    "CAST(%s AS uuid)");

    private record Case(Relation.Column column, String expression, Relation.SqlType type) {}

    private record Exact(Case of, String inverse) {

        /// The inverse of this value.
        String inverseOf(String value) {
            return "CAST("
                    + inverse
                    + " AS "
                    + of.column().type().formatted()
                    + ") AS "
                    + of.column().name()
                    + " FROM (SELECT "
                    + value
                    + " AS x OFFSET 0) q";
        }
    }

    @Test
    void exactInversesGiveBackEveryValueInBothDirections() throws SQLException {
        List<String> mistakes = new ArrayList<>();
        try (OracleTable table = OracleTable.create(PostgresServer.shared().newDatabase())) {
            Relation relation = table.relation();
            List<Exact> exact =
                    cases(relation).flatMap(one -> exact(one, relation).stream()).toList();
            assertThat(exact).hasSizeGreaterThan(100);
            for (int from = 0; from < exact.size(); from += BATCH) {
                List<Exact> batch = exact.subList(from, Math.min(from + BATCH, exact.size()));
                thereAndBack(table, batch, mistakes);
                backAndThere(table, batch, relation, mistakes);
            }
        }
        assertThat(mistakes.stream().limit(10).toList())
                .as("%d mistakes", mistakes.size())
                .isEmpty();
    }

    /// The column itself, and one or two operations around it, as far as they compile.
    private static Stream<Case> cases(Relation relation) {
        return relation.columns().stream()
                .filter(column -> !column.name().equals("id"))
                .flatMap(
                        column -> {
                            List<String> operations =
                                    ValueType.ofColumn(column.type()).kind().isNumber()
                                            ? NUMBER_OPERATIONS
                                            : OTHER_OPERATIONS;
                            List<String> once =
                                    operations.stream()
                                            .map(each -> each.formatted(column.name()))
                                            .toList();
                            Stream<String> twice =
                                    once.stream()
                                            .flatMap(
                                                    inner ->
                                                            operations.stream()
                                                                    .map(
                                                                            outer ->
                                                                                    outer.formatted(
                                                                                            inner)));
                            return Stream.of(Stream.of(column.name()), once.stream(), twice)
                                    .flatMap(each -> each)
                                    .flatMap(each -> typed(each, column, relation).stream());
                        });
    }

    private static Optional<Case> typed(
            String expression, Relation.Column column, Relation relation) {
        SelectStatement statement = statement(expression);
        if (!(statement.items().getLast()
                instanceof SelectStatement.Item.Expression(_, var node, _))) {
            return Optional.empty();
        }
        try {
            SourceColumns columns = new SourceColumns(relation, statement.source());
            relation.columns().forEach(each -> columns.number(each.name()));
            ValueType type =
                    expression.equals(column.name())
                            ? ValueType.ofColumn(column.type())
                            : new ExpressionCompiler(columns, CaseMaps.none()).compile(node).type();
            return Optional.of(new Case(column, expression, type.sql()));
        } catch (Refusal _) {
            return Optional.empty();
        }
    }

    private static SelectStatement statement(String expression) {
        return ((ParseResult.Parsed)
                        SelectParser.parse("SELECT id, " + expression + " AS x FROM public.oracle"))
                .statement();
    }

    private static Optional<Exact> exact(Case one, Relation source) {
        Relation target =
                new Relation(
                        new TableId("public", "target"),
                        List.of(
                                source.column("id").orElseThrow(),
                                new Relation.Column(
                                        "x", one.type(), false, false, Relation.Collation.NONE)),
                        List.of("id"));
        return switch (SelectCompiler.compile(
                statement(one.expression()), source, target, List.of("id"), CaseMaps.none())) {
            case CompileResult.Compiled(Mapping _, Map<String, Inverse> inverses) ->
                    inverses.get(one.column().name()) instanceof Inverse.Exact(String sql)
                            ? Optional.of(new Exact(one, sql))
                            : Optional.empty();
            case CompileResult.Refused _ -> Optional.empty();
        };
    }

    private static void thereAndBack(OracleTable table, List<Exact> batch, List<String> mistakes)
            throws SQLException {
        List<String[]> written =
                probe(table, batch.stream().map(each -> each.of().expression()).toList());
        List<String[]> values =
                probe(table, batch.stream().map(each -> each.of().column().name()).toList());
        List<String[]> back =
                probe(
                        table,
                        batch.stream()
                                .map(
                                        each ->
                                                "(SELECT "
                                                        + each.inverseOf(each.of().expression())
                                                        + ")")
                                .toList());
        for (int i = 0; i < batch.size(); i++) {
            for (int row = 0; row < values.get(i).length; row++) {
                if (!written.get(i)[row].equals(OracleTable.FAILED)
                        && !back.get(i)[row].equals(values.get(i)[row])) {
                    mistakes.add(
                            batch.get(i)
                                    + ": "
                                    + values.get(i)[row]
                                    + " comes back as "
                                    + back.get(i)[row]);
                }
            }
        }
    }

    private static void backAndThere(
            OracleTable table, List<Exact> batch, Relation relation, List<String> mistakes)
            throws SQLException {
        List<String> values = new ArrayList<>();
        List<String> results = new ArrayList<>();
        List<Exact> of = new ArrayList<>();
        for (Exact each : batch) {
            for (Relation.Column column : relation.columns()) {
                if (column.type().name().equals(each.of().type().name())) {
                    String value =
                            "CAST(" + column.name() + " AS " + each.of().type().formatted() + ")";
                    of.add(each);
                    values.add(value);
                    results.add(
                            "(SELECT "
                                    + each.of().expression()
                                    + " FROM (SELECT "
                                    + each.inverseOf(value)
                                    + " OFFSET 0) r)");
                }
            }
        }
        List<String[]> wanted = probe(table, values);
        List<String[]> there = probe(table, results);
        for (int i = 0; i < of.size(); i++) {
            for (int row = 0; row < wanted.get(i).length; row++) {
                String result = there.get(i)[row];
                if (!result.equals(OracleTable.FAILED)
                        && !wanted.get(i)[row].equals(OracleTable.FAILED)
                        && !result.equals(wanted.get(i)[row])) {
                    mistakes.add(
                            of.get(i)
                                    + ": the target's "
                                    + wanted.get(i)[row]
                                    + " becomes "
                                    + result);
                }
            }
        }
    }

    /// The texts of each expression in every row. PostgreSQL must accept all of them.
    private static List<String[]> probe(OracleTable table, List<String> expressions)
            throws SQLException {
        List<OracleTable.Probed> probed = table.probe(expressions);
        for (int i = 0; i < probed.size(); i++) {
            assertThat(probed.get(i).type()).as(expressions.get(i)).doesNotStartWith("42");
        }
        return probed.stream().map(OracleTable.Probed::texts).toList();
    }
}
