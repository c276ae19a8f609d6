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
import dev.millrace.postgres.CaseMapReader;
import dev.millrace.postgres.Database;
import dev.millrace.postgres.SelectProof;
import dev.millrace.postgres.Session;
import dev.millrace.problem.Problem;
import dev.millrace.sql.Node;
import dev.millrace.sql.Refusal;
import dev.millrace.sql.Relation;
import dev.millrace.sql.SelectParser;
import dev.millrace.sql.SelectParser.ParseResult;
import dev.millrace.sql.SelectStatement;
import dev.millrace.testing.PostgresServer;
import dev.millrace.testing.TestDatabase;
import java.sql.Array;
import java.sql.Connection;
import java.sql.PreparedStatement;
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
    private static final String FAILED = "\u0001error";
    private static final int BATCH = 100;

    private static final String PROBE =
            """
            CREATE FUNCTION public.probe(expressions text[], OUT kinds text[], OUT results text[])
            LANGUAGE plpgsql AS $f$
            DECLARE e text; k text; r text[]; one text; row_id int;
            BEGIN
              FOREACH e IN ARRAY expressions LOOP
                BEGIN
                  EXECUTE 'SELECT array_agg(CASE WHEN x IS NULL THEN NULL ELSE concat(x) END ORDER BY id),'
                    || ' min(pg_typeof(x)::text) FROM (SELECT id, ' || e
                    || E'\\n AS x FROM public.oracle OFFSET 0) q' INTO r, k;
                EXCEPTION WHEN OTHERS THEN
                  k := SQLSTATE;
                  r := '{}';
                  IF k NOT LIKE '42%' THEN
                    FOR row_id IN SELECT id FROM public.oracle ORDER BY id LOOP
                      BEGIN
                        EXECUTE 'SELECT CASE WHEN x IS NULL THEN NULL ELSE concat(x) END FROM (SELECT '
                          || e || E'\\n AS x FROM public.oracle WHERE id = $1 OFFSET 0) q' INTO one USING row_id;
                      EXCEPTION WHEN OTHERS THEN
                        one := E'\\x01error';
                      END;
                      r := r || one;
                    END LOOP;
                  END IF;
                END;
                kinds := kinds || k;
                results := results || array_to_string(r, E'\\x02', E'\\x03');
              END LOOP;
            END $f$
            """;

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
    void randomTextsAreProvenToBeReadAsPostgresReadsThem() {
        prove(150);
    }

    @Tag("faults")
    @Test
    void manyRandomTextsAreProvenToBeReadAsPostgresReadsThem() {
        prove(5_000);
    }

    private static void prove(int texts) {
        long seed = Long.getLong("seed", new Random().nextLong());
        TestDatabase database = PostgresServer.shared().newDatabase();
        database.execute(OracleTable.CREATE);
        List<String> mistakes = new ArrayList<>();
        try (Database opened =
                        new Database(
                                "oracle",
                                database.url(),
                                database.username(),
                                database.password());
                Session session = opened.session()) {
            Relation relation =
                    session.sourceCatalog().relation(new TableId("public", "oracle")).orElseThrow();
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
            case CompileResult.Compiled(Mapping mapping) -> mapping;
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
        database.execute(OracleTable.CREATE, PROBE);
        OracleTable.rows()
                .forEach(row -> database.execute("INSERT INTO public.oracle VALUES (" + row + ")"));
        List<String> mistakes = new ArrayList<>();
        Map<String, Integer> refusals = new HashMap<>();
        try (Database opened =
                        new Database(
                                "oracle",
                                database.url(),
                                database.username(),
                                database.password());
                Session session = opened.session();
                Connection connection = opened.connect("oracle")) {
            Relation relation =
                    session.sourceCatalog().relation(new TableId("public", "oracle")).orElseThrow();
            CaseMaps caseMaps = CaseMapReader.read(session, List.of(TextCollation.DEFAULT_NAME));
            List<Cells> rows = rows(connection, relation);
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
                    judge(connection, batch, rows, mistakes);
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
            Connection connection, List<Candidate> batch, List<Cells> rows, List<String> mistakes)
            throws SQLException {
        String[] texts = batch.stream().map(Candidate::text).toArray(String[]::new);
        try (PreparedStatement statement =
                connection.prepareStatement("SELECT kinds, results FROM public.probe(?)")) {
            Array parameter = connection.createArrayOf("text", texts);
            statement.setArray(1, parameter);
            try (ResultSet result = statement.executeQuery()) {
                result.next();
                String[] kinds = (String[]) result.getArray(1).getArray();
                String[] values = (String[]) result.getArray(2).getArray();
                for (int i = 0; i < texts.length; i++) {
                    judge(batch.get(i), kinds[i], values[i], rows, mistakes);
                }
            }
        }
    }

    private static void judge(
            Candidate candidate,
            String kind,
            String values,
            List<Cells> rows,
            List<String> mistakes) {
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
        String[] expected = values.split("\u0002", -1);
        for (int i = 0; i < rows.size(); i++) {
            String actual = value(candidate.typed(), rows.get(i));
            String wanted = expected[i].equals("\u0003") ? null : expected[i];
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
            return FAILED;
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
