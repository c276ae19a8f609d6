package dev.millrace.apply;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.change.Row;
import dev.millrace.change.RowSchema;
import dev.millrace.testing.CutProxy;
import java.time.Duration;
import org.junit.jupiter.api.Test;

/// The network loses the sessions on the target, and neither side learns it. A batch may take ten
/// minutes, but its first statement never does.
class LostTargetIT {

    private static final String ITEM = "CREATE TABLE item (id int PRIMARY KEY, a text)";
    private static final RowSchema SCHEMA = ApplierScenario.rowSchema("item", "id", "a");

    /// A fraction of the time that a batch may take.
    private static final Duration SOON = Duration.ofMinutes(2);

    @Test
    void lostIdleSessionsAreReplacedSoon() throws Exception {
        try (var scenario = new ApplierScenario(1, ITEM);
                CutProxy proxy = CutProxy.before(scenario.database)) {
            scenario.start(
                    ApplierSettings.Limits.standard(),
                    ApplierScenario.sessions(proxy.through(scenario.database)));
            scenario.upsert(0, Row.of(SCHEMA, "1", "before"));
            scenario.awaitApplied();

            proxy.wire().lose();
            scenario.upsert(0, Row.of(SCHEMA, "2", "after"));
            long watermark = 1 + scenario.stored().partitions().getFirst().watermark().number();
            scenario.watermark(watermark);
            scenario.awaitApplied(watermark, SOON);

            assertThat(scenario.database.value("SELECT count(*) FROM item")).isEqualTo("2");
        }
    }
}
