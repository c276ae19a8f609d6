package dev.millrace.apply;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.change.Row;
import dev.millrace.change.RowSchema;
import dev.millrace.change.TargetChange;
import dev.millrace.change.Token;
import dev.millrace.change.WatermarkNumber;
import dev.millrace.control.StoredOffset;
import java.time.Duration;
import java.time.Instant;
import org.junit.jupiter.api.Test;

class LaneTest {

    private static final Duration REST = Duration.ofMillis(100);
    private static final Instant NOW = Instant.parse("2026-01-01T00:00:00Z");
    private static final StoredOffset START =
            new StoredOffset(0, "topic", 0, Token.none(1), WatermarkNumber.none(1));
    private static final RowSchema ROW_SCHEMA = ApplierScenario.rowSchema("item", "id");

    private final Lane lane = new Lane(START);

    private void watermark() {
        lane.queue()
                .add(
                        0,
                        new TargetChange.Watermark(new Token(1, 0, 0), new WatermarkNumber(1, 5)),
                        1);
    }

    @Test
    void aWatermarkAloneWaitsUntilTheStoredOffsetHasRested() {
        lane.applied(START, NOW);
        watermark();

        assertThat(lane.isDue(NOW.plusMillis(99), REST)).isFalse();
        assertThat(lane.isDue(NOW.plusMillis(100), REST)).isTrue();
    }

    @Test
    void aClockThatWasSetBackMakesNothingWait() {
        lane.applied(START, NOW);
        watermark();

        assertThat(lane.isDue(NOW.minusSeconds(3_600), REST)).isTrue();
    }

    @Test
    void rowsGoAtOnce() {
        lane.applied(START, NOW);
        watermark();
        lane.queue()
                .add(1, new TargetChange.Upsert(new Token(1, 1, 0), Row.of(ROW_SCHEMA, "1")), 1);

        assertThat(lane.isDue(NOW, REST)).isTrue();
    }

    @Test
    void nothingGoesWhileATransactionIsUnderWay() {
        watermark();
        lane.sent();

        assertThat(lane.isDue(NOW, REST)).isFalse();
        lane.back();
        assertThat(lane.isDue(NOW, REST)).isTrue();
    }

    @Test
    void aLaneHoldsOnlyAtATruncateWithNothingUnderWay() {
        lane.queue()
                .add(0, new TargetChange.Truncate(new Token(1, 0, 0), ROW_SCHEMA.table(), 1), 1);

        assertThat(lane.holds()).isTrue();
        lane.sent();
        assertThat(lane.holds()).isFalse();
    }
}
