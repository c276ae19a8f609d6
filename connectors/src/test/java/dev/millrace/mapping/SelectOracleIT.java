package dev.millrace.mapping;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.change.Row;
import dev.millrace.change.RowSchema;
import dev.millrace.change.TableId;
import dev.millrace.expression.CaseMaps;
import dev.millrace.expression.Cells;
import dev.millrace.expression.ExpressionCompiler;
import dev.millrace.expression.RowError;
import dev.millrace.expression.SourceColumns;
import dev.millrace.expression.TextCollation;
import dev.millrace.expression.Typed;
import dev.millrace.expression.Values;
import dev.millrace.mapping.SelectCompiler.CompileResult;
import dev.millrace.postgres.Session;
import dev.millrace.postgres.select.SelectProof;
import dev.millrace.postgres.types.CaseMapReader;
import dev.millrace.problem.Problem;
import dev.millrace.sql.Node;
import dev.millrace.sql.Refusal;
import dev.millrace.sql.Relation;
import dev.millrace.sql.SelectParser;
import dev.millrace.sql.SelectParser.ParseResult;
import dev.millrace.sql.SelectStatement;
import dev.millrace.testing.PostgresServer;
import dev.millrace.testing.TestDatabase;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Random expressions over rows on the edges, computed here and by a real PostgreSQL; every value
/// must be the same text, and an error there a rejection here. What this language accepts
/// PostgreSQL must accept. `-Dseed=` replays a run.
class SelectOracleIT {

    private static final Logger LOG = LoggerFactory.getLogger(SelectOracleIT.class);
    private static final int BATCH = 100;

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "C | LOCALE 'C'",
                "C.UTF-8 | LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C.UTF-8' LOCALE 'C'",
                "en-US | LOCALE_PROVIDER icu ICU_LOCALE 'en-US' LOCALE 'C'",
                "C.utf8 | LOCALE 'C.utf8'"
            })
    void expressionsAreComputedAsPostgresComputesThem(String locale, String options)
            throws Exception {
        compare(locale, options, 300);
    }

    @Tag("faults")
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "C | LOCALE 'C'",
                "C.UTF-8 | LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C.UTF-8' LOCALE 'C'",
                "en-US | LOCALE_PROVIDER icu ICU_LOCALE 'en-US' LOCALE 'C'",
                "C.utf8 | LOCALE 'C.utf8'"
            })
    void manyExpressionsAreComputedAsPostgresComputesThem(String locale, String options)
            throws Exception {
        compare(locale, options, Integer.getInteger("expressions", 25_000));
    }

    @Test
    void randomTextsAreProvenToBeReadAsPostgresReadsThem() throws Exception {
        prove(150);
    }

    @Tag("faults")
    @Test
    void manyRandomTextsAreProvenToBeReadAsPostgresReadsThem() throws Exception {
        prove(5_000);
    }

    private static void prove(int texts) throws SQLException {
        long seed = Long.getLong("seed", new Random().nextLong());
        List<String> mistakes = new ArrayList<>();
        try (OracleTable table = OracleTable.create(PostgresServer.shared().newDatabase())) {
            Session session = table.session();
            Relation relation = table.relation();
            CaseMaps maps = CaseMapReader.read(session, List.of(TextCollation.DEFAULT_NAME));
            SqlTextGenerator generator = new SqlTextGenerator(new Random(seed));
            int proven = 0;
            while (proven < texts) {
                Optional<Candidate> candidate =
                        compiled(generator.expression(), relation, maps, new HashMap<>());
                if (candidate.isEmpty()) {
                    continue;
                }
                Mapping mapping = mapping(candidate.get(), relation, maps);
                SelectProof.problems(session, statement(mapping.userText()), mapping)
                        .forEach(problem -> mistakes.add(problem.message()));
                proven++;
            }
        }
        assertThat(mistakes.stream().limit(10).toList())
                .as("seed %d: %d mistakes", seed, mistakes.size())
                .isEmpty();
    }

    private static Mapping mapping(Candidate candidate, Relation source, CaseMaps maps) {
        Relation target =
                new Relation(
                        new TableId("public", "target"),
                        List.of(
                                source.column("id").orElseThrow(),
                                new Relation.Column(
                                        "x",
                                        candidate.typed().type().sql(),
                                        false,
                                        false,
                                        Relation.Collation.NONE)),
                        List.of("id"));
        String text = "SELECT id, " + candidate.text() + "\n AS x FROM public.oracle";
        return switch (SelectCompiler.compile(
                statement(text), source, target, List.of("id"), maps)) {
            case CompileResult.Compiled(Mapping mapping, var _) -> mapping;
            case CompileResult.Refused(List<Problem> problems) ->
                    throw new AssertionError(text + problems);
        };
    }

    private static SelectStatement statement(String text) {
        return ((ParseResult.Parsed) SelectParser.parse(text)).statement();
    }

    private record Candidate(String text, Typed typed) {}

    private void compare(String locale, String options, int accepted) throws SQLException {
        long seed = Long.getLong("seed", new Random().nextLong());
        TestDatabase database = PostgresServer.shared().newDatabase("ENCODING 'UTF8' " + options);
        List<String> mistakes = new ArrayList<>();
        Map<String, Integer> refusals = new HashMap<>();
        try (OracleTable table = OracleTable.create(database)) {
            Session session = table.session();
            Relation relation = table.relation();
            CaseMaps caseMaps = CaseMapReader.read(session, List.of(TextCollation.DEFAULT_NAME));
            List<Cells> rows = rows(table.connection(), relation);
            SqlTextGenerator generator = new SqlTextGenerator(new Random(seed));
            List<Candidate> batch = new ArrayList<>();
            int compared = 0;
            int refused = 0;
            while (compared < accepted) {
                String text = generator.expression();
                Optional<Candidate> candidate = compiled(text, relation, caseMaps, refusals);
                if (candidate.isEmpty()) {
                    refused++;
                    continue;
                }
                batch.add(candidate.get());
                if (batch.size() == BATCH) {
                    judge(table, batch, rows, mistakes);
                    compared += batch.size();
                    batch.clear();
                }
            }
            LOG.atInfo()
                    .addKeyValue("locale", locale)
                    .addKeyValue("seed", seed)
                    .addKeyValue("compared", compared)
                    .addKeyValue("refused", refused)
                    .log("expressions compared");
            refusals.entrySet().stream()
                    .sorted(Map.Entry.<String, Integer>comparingByValue().reversed())
                    .limit(15)
                    .forEach(entry -> LOG.atDebug().log(entry.toString()));
        }
        assertThat(mistakes.stream().limit(10).toList())
                .as("seed %d, locale %s: %d mistakes", seed, locale, mistakes.size())
                .isEmpty();
    }

    private static Optional<Candidate> compiled(
            String text, Relation relation, CaseMaps caseMaps, Map<String, Integer> refusals) {
        ParseResult parsed = SelectParser.parse("SELECT " + text + "\n AS x FROM public.oracle");
        if (!(parsed instanceof ParseResult.Parsed(SelectStatement statement))) {
            String message = ((ParseResult.Refused) parsed).problems().getFirst().message();
            refusals.merge(message, 1, Integer::sum);
            return Optional.empty();
        }
        if (statement.items().size() != 1
                || !(statement.items().getFirst()
                        instanceof SelectStatement.Item.Expression(_, Node node, _))) {
            return Optional.empty();
        }
        try {
            SourceColumns columns = new SourceColumns(relation, statement.source());
            relation.columns().forEach(column -> columns.number(column.name()));
            return Optional.of(
                    new Candidate(text, new ExpressionCompiler(columns, caseMaps).compile(node)));
        } catch (Refusal refusal) {
            refusals.merge(String.valueOf(refusal.getMessage()), 1, Integer::sum);
            return Optional.empty();
        }
    }

    private static void judge(
            OracleTable table, List<Candidate> batch, List<Cells> rows, List<String> mistakes)
            throws SQLException {
        List<OracleTable.Probed> probed = table.probe(batch.stream().map(Candidate::text).toList());
        for (int i = 0; i < batch.size(); i++) {
            judge(batch.get(i), probed.get(i), rows, mistakes);
        }
    }

    private static void judge(
            Candidate candidate,
            OracleTable.Probed probed,
            List<Cells> rows,
            List<String> mistakes) {
        String kind = probed.type();
        if (kind.startsWith("42")) {
            mistakes.add("PostgreSQL refuses (" + kind + "): " + candidate.text());
            return;
        }
        if (!kind.matches("[0-9].*") && !kind.equals(typeName(candidate.typed()))) {
            mistakes.add(
                    "type "
                            + typeName(candidate.typed())
                            + " is "
                            + kind
                            + ": "
                            + candidate.text());
        }
        String[] expected = probed.texts();
        for (int i = 0; i < rows.size(); i++) {
            String actual = value(candidate.typed(), rows.get(i));
            String wanted = expected[i].equals(OracleTable.NULL) ? null : expected[i];
            if (!Objects.equals(actual, wanted)) {
                mistakes.add(
                        "row %d: expected <%s> got <%s>: %s"
                                .formatted(i + 1, wanted, actual, candidate.text()));
                return;
            }
        }
    }

    private static String typeName(Typed typed) {
        return switch (typed.kind()) {
            case UNTYPED -> "text";
            case COPIED -> typed.type().sql().formatted();
            default -> typed.kind().sqlName();
        };
    }

    private static @Nullable String value(Typed typed, Cells cells) {
        try {
            Object value = typed.evaluator().value(cells);
            return value == null ? null : Values.print(value);
        } catch (RowError _) {
            return OracleTable.FAILED;
        }
    }

    private static List<Cells> rows(Connection connection, Relation relation) throws SQLException {
        List<String> names = relation.columns().stream().map(Relation.Column::name).toList();
        RowSchema schema = RowSchema.keyed(relation.id(), names, List.of("id"));
        Cells.Positions positions = Cells.Positions.in(schema, names);
        String all =
                "SELECT "
                        + String.join(
                                ", ",
                                names.stream()
                                        .map(
                                                name ->
                                                        "CASE WHEN "
                                                                + name
                                                                + " IS NULL THEN NULL ELSE concat("
                                                                + name
                                                                + ") END")
                                        .toList())
                        + " FROM public.oracle ORDER BY id";
        List<Cells> rows = new ArrayList<>();
        try (var statement = connection.createStatement();
                ResultSet result = statement.executeQuery(all)) {
            while (result.next()) {
                @Nullable String[] cells = new String[names.size()];
                for (int i = 0; i < cells.length; i++) {
                    cells[i] = result.getString(i + 1);
                }
                rows.add(new Cells(Row.of(schema, cells), positions, relation));
            }
        }
        return rows;
    }
}
