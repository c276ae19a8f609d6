package dev.millrace.apply;

import dev.millrace.apply.copy.CopyText;
import dev.millrace.change.BlockCodec;
import dev.millrace.change.Row;
import dev.millrace.change.RowSchema;
import dev.millrace.change.TableId;
import dev.millrace.change.TargetBlock;
import dev.millrace.change.TargetChange;
import dev.millrace.change.Token;
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
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.OptionsBuilder;

/// Nanoseconds and allocated bytes per row of encoding the rows of a block as COPY text.
@Tag("bench")
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(1)
@OperationsPerInvocation(CopyTextBenchmark.ROWS)
public class CopyTextBenchmark {

    static final int ROWS = 2_000;

    private static final List<String> COLUMNS =
            List.of("id", "customer", "status", "amount", "note", "created_at", "attrs");
    private static final RowSchema ORDERS =
            RowSchema.keyed(new TableId("public", "orders"), COLUMNS, List.of("id"));
    private static final List<Integer> POSITIONS = List.of(0, 1, 2, 3, 4, 5, 6);

    private final CopyText text = new CopyText();
    private final List<Row> rows = rows();

    private static List<Row> rows() {
        BlockCodec codec = new BlockCodec();
        TargetBlock.Writer writer = codec.targetChanges();
        for (int i = 0; i < ROWS; i++) {
            Row row =
                    Row.of(
                            ORDERS,
                            Integer.toString(i),
                            Integer.toString(i / 7),
                            "shipped",
                            i + ".50",
                            "a note of some forty characters, number " + i,
                            "2024-01-01 12:00:00.123456+00",
                            "{\"gift\": false, \"source\": \"web\"}");
            writer.add(new TargetChange.Upsert(new Token(1, 0, i), row));
        }
        return codec.decodeTarget(writer.take(new Token(1, 0, ROWS), ROWS)).changes().stream()
                .map(change -> ((TargetChange.Upsert) change).row())
                .toList();
    }

    @Benchmark
    public int encode() {
        text.clear();
        for (Row row : rows) {
            text.add(row, POSITIONS);
        }
        return text.size();
    }

    @Test
    void run() throws RunnerException {
        new Runner(
                        new OptionsBuilder()
                                .include(CopyTextBenchmark.class.getName())
                                .addProfiler("gc")
                                .build())
                .run();
    }
}
