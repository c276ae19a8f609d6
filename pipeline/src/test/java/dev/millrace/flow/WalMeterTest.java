package dev.millrace.flow;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.postgres.load.LoadReader.Reading;
import dev.millrace.postgres.load.LoadReader.Wal;
import java.time.Instant;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;

/// The budget of WAL and the time until it is used up.
class WalMeterTest {

    private static final Instant START = Instant.parse("2026-03-01T10:00:00Z");
    private static final Reading NO_CAP = new Reading.Unknown("the server sets no limit");

    private static Wal wal(double bytes, Reading cap) {
        return new Wal(new Reading.Known(bytes), cap);
    }

    private static WalMeter meter() {
        return new WalMeter(OptionalLong.of(1_000));
    }

    @Test
    void saysHowMuchIsUsedAndWhenAllOfItIs() {
        WalMeter meter = meter();
        meter.read(wal(100, NO_CAP), START);
        meter.read(wal(400, NO_CAP), START.plusSeconds(10));

        assertThat(meter.report(START.plusSeconds(10)))
                .isEqualTo(new FlowReport.Wal(400L, 1_000L, 0.4, 30.0, 20.0));
        assertThat(meter.used(START.plusSeconds(10))).isEqualTo(new Reading.Known(0.4));
    }

    @Test
    void theRateIsThatOfTheLastMinute() {
        WalMeter meter = meter();
        meter.read(wal(0, NO_CAP), START);
        meter.read(wal(600, NO_CAP), START.plusSeconds(60));
        meter.read(wal(600, NO_CAP), START.plusSeconds(121));

        assertThat(meter.report(START.plusSeconds(121)))
                .isEqualTo(new FlowReport.Wal(600L, 1_000L, 0.6, null, null));
    }

    @Test
    void whatShrinksIsNeverUsedUp() {
        WalMeter meter = meter();
        meter.read(wal(500, NO_CAP), START);
        meter.read(wal(400, NO_CAP), START.plusSeconds(10));

        assertThat(meter.report(START.plusSeconds(10)).bytesPerSecond()).isEqualTo(-10);
        assertThat(meter.report(START.plusSeconds(10)).secondsLeft()).isNull();
    }

    @Test
    void theSmallerLimitCounts() {
        WalMeter meter = meter();
        meter.read(wal(100, new Reading.Known(500)), START);
        assertThat(meter.report(START).budgetBytes()).isEqualTo(500);

        meter.read(wal(100, new Reading.Known(5_000)), START);
        assertThat(meter.report(START).budgetBytes()).isEqualTo(1_000);
    }

    @Test
    void aSourceWithoutALimitHasNoBudget() {
        WalMeter meter = new WalMeter(OptionalLong.empty());
        meter.read(wal(100, NO_CAP), START);

        assertThat(meter.report(START).budgetBytes()).isNull();
        assertThat(meter.report(START).share()).isNull();
        assertThat(meter.used(START)).isEqualTo(new Reading.Known(0));
    }

    @Test
    void aSourceThatDoesNotAnswerIsUnknownAndNotZero() {
        WalMeter meter = meter();
        assertThat(meter.used(START)).isInstanceOf(Reading.Unknown.class);
        meter.read(wal(900, NO_CAP), START);

        assertThat(meter.used(START.plusSeconds(5))).isEqualTo(new Reading.Known(0.9));
        assertThat(meter.used(START.plusSeconds(6))).isInstanceOf(Reading.Unknown.class);
        assertThat(meter.report(START.plusSeconds(6)))
                .isEqualTo(new FlowReport.Wal(null, 1_000L, null, null, null));
        meter.read(new Wal(new Reading.Unknown("down"), NO_CAP), START.plusSeconds(7));
        assertThat(meter.used(START.plusSeconds(7))).isEqualTo(new Reading.Unknown("down"));
    }
}
