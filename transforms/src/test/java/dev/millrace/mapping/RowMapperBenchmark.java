package dev.millrace.mapping;

import dev.millrace.change.BlockCodec;
import dev.millrace.change.ChangeBlock;
import dev.millrace.change.ChangeEvent;
import dev.millrace.change.ChangeEvent.Origin;
import dev.millrace.change.Row;
import dev.millrace.change.RowSchema;
import dev.millrace.expression.CaseMaps;
import dev.millrace.expression.Tables;
import dev.millrace.mapping.SelectCompiler.CompileResult;
import dev.millrace.sql.Relation;
import dev.millrace.sql.SelectParser;
import dev.millrace.sql.SelectParser.ParseResult;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;
import org.openjdk.jmh.infra.Blackhole;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.OptionsBuilder;

/// Nanoseconds and allocated bytes per row of a mapping that only copies, and of one with five
/// expressions.
@Tag("bench")
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(1)
@OperationsPerInvocation(RowMapperBenchmark.ROWS)
public class RowMapperBenchmark {

    static final int ROWS = 2_000;

    private static final Relation ORDERS =
            Tables.table(
                    "orders",
                    "id int8!; customer int4!; status text!; amount numeric(12,2)!; note text;"
                            + " created_at timestamptz!; attrs jsonb",
                    "id");
    private static final Relation TARGET =
            Tables.table(
                    "sale",
                    "sale_id int8!; customer int8!; state text; cents int8; note text; created_at"
                            + " timestamptz!; attrs jsonb; size text",
                    "sale_id");

    private final RowMapper copying =
            mapper(
                    "SELECT id AS sale_id, customer, status AS state, note, created_at, attrs FROM"
                            + " orders");
    private final RowMapper computing =
            mapper(
                    "SELECT id AS sale_id, customer + 1 AS customer, status || '!' AS state,"
                            + " CAST(amount * 100 AS bigint) AS cents, coalesce(note, 'none') AS note,"
                            + " created_at, attrs, CASE WHEN amount > 1000 THEN 'large' ELSE 'small'"
                            + " END AS size FROM orders");
    private final List<Row> rows = rows();

    private static RowMapper mapper(String select) {
        if (SelectParser.parse(select) instanceof ParseResult.Parsed(var statement)
                && SelectCompiler.compile(statement, ORDERS, TARGET, TARGET.key(), CaseMaps.none())
                        instanceof CompileResult.Compiled(Mapping mapping, var _)) {
            return mapping.mapper();
        }
        throw new IllegalArgumentException(select);
    }

    /// Slices of a block, as in the service.
    private static List<Row> rows() {
        RowSchema schema =
                RowSchema.keyed(
                        ORDERS.id(),
                        ORDERS.columns().stream().map(Relation.Column::name).toList(),
                        ORDERS.key());
        BlockCodec codec = new BlockCodec();
        ChangeBlock.Writer writer = codec.changes(1);
        for (int i = 0; i < ROWS; i++) {
            Row row =
                    Row.of(
                            schema,
                            Integer.toString(i),
                            Integer.toString(i / 7),
                            "shipped",
                            i + ".50",
                            "a note of some forty characters, number " + i,
                            "2024-01-01 12:00:00.123456+00",
                            "{\"gift\": false, \"source\": \"web\"}");
            writer.add(new ChangeEvent.Read(1, Origin.NONE, row));
        }
        return codec.decodeChanges(writer.take(ROWS)).events().stream()
                .map(event -> ((ChangeEvent.OfRow) event).row())
                .toList();
    }

    @Benchmark
    public void copyOnly(Blackhole sink) {
        for (Row row : rows) {
            sink.consume(copying.map(row));
        }
    }

    @Benchmark
    public void fiveExpressions(Blackhole sink) {
        for (Row row : rows) {
            sink.consume(computing.map(row));
        }
    }

    @Test
    void run() throws RunnerException {
        new Runner(
                        new OptionsBuilder()
                                .include(RowMapperBenchmark.class.getName())
                                .addProfiler("gc")
                                .build())
                .run();
    }
}
