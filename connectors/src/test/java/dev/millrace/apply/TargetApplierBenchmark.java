package dev.millrace.apply;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.change.Row;
import dev.millrace.change.RowSchema;
import java.time.Duration;
import java.time.Instant;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Measures rows per second from a full topic to an empty table, with all servers on one machine.
@Tag("bench")
class TargetApplierBenchmark {

    private static final Logger LOG = LoggerFactory.getLogger(TargetApplierBenchmark.class);
    private static final int ROWS = 600_000;
    private static final int PARTITIONS = 6;
    private static final RowSchema ROW_SCHEMA =
            ApplierScenario.rowSchema("orders", "id", "customer", "status", "total", "at", "note");

    @Test
    void rowsPerSecond() throws Exception {
        try (var scenario =
                new ApplierScenario(
                        PARTITIONS,
                        "CREATE TABLE orders (id bigint PRIMARY KEY, customer bigint, status text,"
                                + " total numeric(12,2), at timestamptz, note text)")) {
            for (int i = 0; i < ROWS; i++) {
                String id = Integer.toString(i);
                scenario.upsert(
                        i % PARTITIONS,
                        Row.of(
                                ROW_SCHEMA,
                                id,
                                Integer.toString(i / 7),
                                "shipped",
                                id + ".50",
                                "2024-01-01 12:00:00.123456+00",
                                "a note of some forty characters, number " + i));
            }
            scenario.awaitSent();
            scenario.watermark(1);
            Instant begun = Instant.now();
            scenario.start(ApplierSettings.Limits.standard(), scenario.sessions());
            scenario.awaitApplied(1, Duration.ofMinutes(5));
            long millis = Duration.between(begun, Instant.now()).toMillis();

            assertThat(scenario.stored().rowsApplied()).isEqualTo(ROWS);
            LOG.atInfo()
                    .addKeyValue("rows", ROWS)
                    .addKeyValue("rowsPerSecond", ROWS * 1_000L / millis)
                    .log("applied");
        }
    }
}
