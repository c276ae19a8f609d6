package dev.millrace.change;

import dev.millrace.change.ChangeEvent.Origin;
import java.util.ArrayList;
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

/// Nanoseconds and allocated bytes per row of encoding and decoding blocks.
@Tag("bench")
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(1)
@OperationsPerInvocation(BlockCodecBenchmark.ROWS)
public class BlockCodecBenchmark {

    static final int ROWS = 2_000;

    private static final RowSchema ORDERS =
            RowSchema.keyed(
                    new TableId("public", "orders"),
                    List.of("id", "customer", "status", "amount", "note", "created_at", "attrs"),
                    List.of("id"));

    private final BlockCodec codec = new BlockCodec();
    private final List<ChangeEvent.OfRow> changes = new ArrayList<>();
    private final List<TargetChange> targetChanges = new ArrayList<>();
    private final byte[] block;
    private final byte[] targetBlock;

    /// Rows are slices of a block, as in the service.
    public BlockCodecBenchmark() {
        ChangeBlock.Writer writer = codec.changes(1);
        for (int i = 0; i < ROWS; i++) {
            writer.add(new ChangeEvent.Read(1, Origin.NONE, order(i)));
        }
        block = writer.take(ROWS);
        int index = 0;
        for (ChangeEvent event : codec.decodeChanges(block).events()) {
            ChangeEvent.OfRow change = (ChangeEvent.OfRow) event;
            changes.add(change);
            targetChanges.add(new TargetChange.Upsert(new Token(1, 0, index++), change.row()));
        }
        targetBlock = encodeTarget();
    }

    private static Row order(int i) {
        String id = Integer.toString(i);
        return Row.of(
                ORDERS,
                id,
                Integer.toString(i / 7),
                "shipped",
                id + ".50",
                "a note of some forty characters, number " + i,
                "2024-01-01 12:00:00.123456+00",
                "{\"gift\": false, \"source\": \"web\"}");
    }

    @Benchmark
    public byte[] encodeChanges() {
        ChangeBlock.Writer writer = codec.changes(1);
        changes.forEach(writer::add);
        return writer.take(ROWS);
    }

    @Benchmark
    public ChangeBlock decodeChanges() {
        return codec.decodeChanges(block);
    }

    @Benchmark
    public final byte[] encodeTarget() {
        TargetBlock.Writer writer = codec.targetChanges();
        targetChanges.forEach(writer::add);
        return writer.take(new Token(1, 0, ROWS), ROWS);
    }

    @Benchmark
    public TargetBlock decodeTarget() {
        return codec.decodeTarget(targetBlock);
    }

    @Test
    void run() throws RunnerException {
        new Runner(
                        new OptionsBuilder()
                                .include(BlockCodecBenchmark.class.getName())
                                .addProfiler("gc")
                                .build())
                .run();
    }
}
