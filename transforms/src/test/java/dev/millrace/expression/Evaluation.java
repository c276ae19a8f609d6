package dev.millrace.expression;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.change.Row;
import dev.millrace.change.RowSchema;
import dev.millrace.expression.CaseMaps.CaseMap;
import dev.millrace.sql.Node;
import dev.millrace.sql.Refusal;
import dev.millrace.sql.Relation;
import dev.millrace.sql.SelectParser;
import dev.millrace.sql.SelectParser.ParseResult;
import dev.millrace.sql.SelectStatement;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// Evaluates one SELECT expression over one row of a table `t`. The expected results in the tests
/// were computed by PostgreSQL 18 (collation C.UTF-8, time zone UTC).
final class Evaluation {

    static final String COLUMNS =
            "id int4!; i2 int2; i4 int4; i8 int8; n numeric; p numeric(10,2); t text;"
                    + " v varchar(10); c bpchar(5); e text; b bool; d date; ts timestamp;"
                    + " us timestamp; tz timestamptz; bc date; far date; inf date; u uuid; j jsonb;"
                    + " f float8; m money; ni int4; nt text; nb bool; nn numeric; nd date";

    static final List<@Nullable String> CELLS =
            Arrays.asList(
                    "1",
                    "7",
                    "42",
                    "9000000000",
                    "12.345",
                    "19.90",
                    "Hello",
                    "abc",
                    "ab   ",
                    "\u00e4\ud83d\ude00",
                    "t",
                    "2024-02-29",
                    "2024-02-29 12:30:00",
                    "2024-02-29 12:30:00.123456",
                    "2024-02-29 12:30:00+00",
                    "0044-03-15 BC",
                    "12024-01-01",
                    "infinity",
                    "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
                    "{\"a\": 1}",
                    "1.5",
                    "$1.00",
                    null,
                    null,
                    null,
                    null,
                    null);

    private static final Relation TABLE = Tables.table("t", COLUMNS, "id");

    private Evaluation() {}

    /// Compares a result exactly, and a refusal by the beginning of its message.
    static void check(String expression, String expected) {
        String result = of(expression);
        if (expected.startsWith("refused: ")) {
            assertThat(result).startsWith(expected);
        } else {
            assertThat(result).isEqualTo(expected);
        }
    }

    /// `[text]`, `NULL`, `error: ..` when the row is rejected, `refused: ..` when the expression
    /// does not compile.
    static String of(String expression) {
        SelectStatement statement =
                switch (SelectParser.parse("SELECT " + expression + " AS x FROM t")) {
                    case ParseResult.Parsed(SelectStatement parsed) -> parsed;
                    case ParseResult.Refused(var problems) -> {
                        throw new AssertionError(problems.toString());
                    }
                };
        SelectStatement.Item item = statement.items().getFirst();
        if (!(item instanceof SelectStatement.Item.Expression(_, Node node, _))) {
            throw new AssertionError("not an expression: " + expression);
        }
        try {
            SourceColumns columns = new SourceColumns(TABLE, statement.source());
            Typed typed = new ExpressionCompiler(columns, caseMaps()).compile(node);
            List<String> names = TABLE.columns().stream().map(Relation.Column::name).toList();
            RowSchema schema = RowSchema.keyed(TABLE.id(), names, List.of("id"));
            Row row = Row.of(schema, CELLS.toArray(String[]::new));
            Cells cells = new Cells(row, Cells.Positions.in(schema, columns.used()), TABLE);
            Object value = typed.evaluator().value(cells);
            return value == null ? "NULL" : "[" + Values.print(value) + "]";
        } catch (Refusal refusal) {
            return "refused: " + refusal.getMessage();
        } catch (RowError error) {
            return "error: " + error.reason();
        }
    }

    /// ASCII and the letter \u00e4; the final sigma depends on its neighbours.
    private static CaseMaps caseMaps() {
        Map<Integer, String> lower = new HashMap<>(Map.of(0xC4, "\u00e4"));
        Map<Integer, String> upper = new HashMap<>(Map.of(0xE4, "\u00c4"));
        for (int c = 'A'; c <= 'Z'; c++) {
            lower.put(c, Character.toString(c + 32));
            upper.put(c + 32, Character.toString(c));
        }
        return new CaseMaps(Map.of("default", new CaseMap(lower, upper, Set.of(0x3A3))));
    }
}
