package dev.millrace.apply;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.OperatingSystemMXBean;
import dev.millrace.apply.copy.CopyText;
import dev.millrace.apply.rows.CompactedBatch;
import dev.millrace.apply.rows.TableChanges;
import dev.millrace.change.BlockCodec;
import dev.millrace.change.Row;
import dev.millrace.change.RowKey;
import dev.millrace.change.RowSchema;
import dev.millrace.change.TargetBlock;
import dev.millrace.change.TargetChange;
import dev.millrace.change.Token;
import dev.millrace.control.BackfilledTables;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.ToLongFunction;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Measures rows per second from a full topic to an empty table, with all servers on one machine,
/// and the cost per row of what apply does with a row. What is compared runs in turns.
@Tag("bench")
class TargetApplierBenchmark {

    private static final Logger LOG = LoggerFactory.getLogger(TargetApplierBenchmark.class);
    private static final int ROWS = 600_000;
    private static final int PARTITIONS = 6;
    private static final int TURNS = 3;
    private static final int BATCH = 40_000;
    private static final RowSchema ROW_SCHEMA =
            ApplierScenario.rowSchema("orders", "id", "customer", "status", "total", "at", "note");
    private static final List<Integer> COLUMNS = List.of(0, 1, 2, 3, 4, 5);

    private static Row row(int i) {
        String id = Integer.toString(i);
        return Row.of(
                ROW_SCHEMA,
                id,
                Integer.toString(i / 7),
                "shipped",
                id + ".50",
                "2024-01-01 12:00:00.123456+00",
                "a note of some forty characters, number " + i);
    }

    @Test
    void rowsPerSecondByCopyAndByUpsert() throws Exception {
        for (int turn = 0; turn < TURNS; turn++) {
            Speed copy = measure(true);
            Speed upsert = measure(false);
            LOG.atInfo()
                    .addKeyValue("rows", ROWS)
                    .addKeyValue("copy", copy)
                    .addKeyValue("upsert", upsert)
                    .addKeyValue("ratio", (double) copy.perSecond() / upsert.perSecond())
                    .log("applied");
        }
    }

    private static Speed measure(boolean isBackfilling) throws Exception {
        try (var scenario =
                new ApplierScenario(
                        PARTITIONS,
                        "CREATE TABLE orders (id bigint PRIMARY KEY, customer bigint, status text,"
                                + " total numeric(12,2), at timestamptz, note text)")) {
            int block = 5_000;
            for (int first = 0; first < ROWS; first += block) {
                int partition = first / block % PARTITIONS;
                List<TargetChange> changes = new ArrayList<>();
                for (int i = first; i < first + block; i++) {
                    Token token =
                            i == first ? scenario.next(partition) : scenario.nextInBlock(partition);
                    changes.add(new TargetChange.Upsert(token, row(i)));
                }
                scenario.send(partition, changes);
            }
            scenario.awaitSent();
            scenario.watermark(1);
            if (!isBackfilling) {
                try (Connection connection = scenario.login.connect()) {
                    for (int partition = 0; partition < PARTITIONS; partition++) {
                        new BackfilledTables(scenario.migration)
                                .add(
                                        connection,
                                        ApplierScenario.GENERATION,
                                        ROW_SCHEMA.table(),
                                        partition);
                    }
                }
            }
            Instant begun = Instant.now();
            long cpu = cpuNanos();
            scenario.start(ApplierSettings.Limits.standard(), scenario.sessions());
            scenario.awaitApplied(1, Duration.ofMinutes(5));
            long millis = Duration.between(begun, Instant.now()).toMillis();

            assertThat(scenario.stored().rowsApplied()).isEqualTo(ROWS);
            assertThat(scenario.database.value("SELECT count(*) FROM orders"))
                    .isEqualTo(Integer.toString(ROWS));
            return new Speed(ROWS * 1_000L / millis, (cpuNanos() - cpu) / ROWS);
        }
    }

    /// @param cpuNanosPerRow of this process, the embedded broker included
    private record Speed(long perSecond, long cpuNanosPerRow) {}

    private static long cpuNanos() {
        return ManagementFactory.getPlatformMXBean(OperatingSystemMXBean.class).getProcessCpuTime();
    }

    /// Collapsing and encoding one batch. The keys are in random order, as in a partition.
    @Test
    void nanosecondsPerRow() {
        BlockCodec codec = new BlockCodec();
        List<TargetChange> changes = new ArrayList<>();
        TargetBlock.Writer writer = codec.targetChanges();
        for (int i = 0; i < BATCH; i++) {
            int key = (int) (i * 2_654_435_761L % 10_000_000 & Integer.MAX_VALUE);
            writer.add(new TargetChange.Upsert(new Token(1, 0, i), row(key)));
        }
        byte[] block = writer.take(new Token(1, 0, BATCH), BATCH);
        changes.addAll(codec.decodeTarget(block).changes());

        Map<String, ToLongFunction<List<TargetChange>>> measured = new LinkedHashMap<>();
        measured.put("decode the block", _ -> codec.decodeTarget(block).changes().size());
        measured.put("collapse, keys decoded per comparison (before)", this::collapseByTexts);
        measured.put("collapse, sorted by prefixes", rows -> table(rows).upserts().size());
        measured.put(
                "no collapse, in the order of the log",
                rows -> table(rows).wholeRows().orElseThrow().size());
        measured.put("COPY text from bytes", TargetApplierBenchmark::copyFromBytes);
        measured.put("COPY text through String", TargetApplierBenchmark::copyFromTexts);
        measured.put("String per cell, as arrays need", TargetApplierBenchmark::texts);
        for (int turn = 0; turn < 2 * TURNS; turn++) {
            for (var each : measured.entrySet()) {
                long begun = System.nanoTime();
                long sum = 0;
                for (int i = 0; i < 20; i++) {
                    sum += each.getValue().applyAsLong(changes);
                }
                long nanos = System.nanoTime() - begun;
                LOG.atInfo()
                        .addKeyValue("turn", turn)
                        .addKeyValue("what", each.getKey())
                        .addKeyValue("nanosPerRow", nanos / (20L * BATCH))
                        .addKeyValue("sum", sum)
                        .log("measured");
            }
        }
    }

    private static TableChanges table(List<TargetChange> changes) {
        return Objects.requireNonNull(
                CompactedBatch.of(0, changes, Set.of(), Set.of(), _ -> false)
                        .tables()
                        .get(ROW_SCHEMA.table()));
    }

    private long collapseByTexts(List<TargetChange> changes) {
        Map<RowKey, Row> rows = new HashMap<>();
        for (TargetChange change : changes) {
            Row row = ((TargetChange.Upsert) change).row();
            rows.put(row.key(), row);
        }
        Comparator<RowKey> byText =
                (left, right) -> {
                    String one = String.valueOf(left.value(0));
                    String two = String.valueOf(right.value(0));
                    return one.length() != two.length()
                            ? Integer.compare(one.length(), two.length())
                            : one.compareTo(two);
                };
        return rows.entrySet().stream()
                .sorted(Map.Entry.comparingByKey(byText))
                .map(Map.Entry::getValue)
                .toList()
                .size();
    }

    private static long copyFromBytes(List<TargetChange> changes) {
        CopyText text = new CopyText();
        long size = 0;
        for (TargetChange change : changes) {
            text.add(((TargetChange.Upsert) change).row(), COLUMNS);
            if (text.size() >= 1 << 16) {
                size += text.size();
                text.clear();
            }
        }
        return size + text.size();
    }

    private static long copyFromTexts(List<TargetChange> changes) {
        StringBuilder text = new StringBuilder();
        long size = 0;
        for (TargetChange change : changes) {
            Row row = ((TargetChange.Upsert) change).row();
            for (int column : COLUMNS) {
                String cell = String.valueOf(row.text(column));
                for (int i = 0; i < cell.length(); i++) {
                    char next = cell.charAt(i);
                    if (next == '\\' || next == '\t' || next == '\n' || next == '\r') {
                        text.append('\\');
                    }
                    text.append(next);
                }
                text.append('\t');
            }
            text.append('\n');
            if (text.length() >= 1 << 16) {
                size += text.toString().getBytes(StandardCharsets.UTF_8).length;
                text.setLength(0);
            }
        }
        return size + Arrays.hashCode(text.toString().getBytes(StandardCharsets.UTF_8));
    }

    private static long texts(List<TargetChange> changes) {
        long size = 0;
        for (TargetChange change : changes) {
            for (int column : COLUMNS) {
                size += String.valueOf(((TargetChange.Upsert) change).row().text(column)).length();
            }
        }
        return size;
    }
}
