package dev.millrace.backfill.pace;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.millrace.throttle.Throttle.Limit;
import java.time.Duration;
import java.time.Instant;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;

/// The rate of reads by a clock that only the test advances.
class PaceTest {

    private static final int READERS = 4;
    private static final Instant START = Instant.parse("2026-03-01T10:00:00Z");

    private Instant now = START;
    private final Pace pace = new Pace(() -> now);

    /// Readers that read at every millisecond at which they may, each as many rows as it may.
    private long rowsReadIn(Duration length, long available) {
        long rows = 0;
        for (long i = 0; i < length.toMillis(); i++) {
            while (rows < available && pace.mayRead()) {
                long read = Math.min(pace.rowsPerRead(READERS), available - rows);
                pace.begin().done(read, 0, READERS);
                rows += read;
            }
            now = now.plusMillis(1);
        }
        return rows;
    }

    @Test
    void aThrottleLimitsTheRowsOfAllReadersTogether() {
        pace.throttle(Limit.ofRows(1_000));

        assertThat(rowsReadIn(Duration.ofSeconds(10), Long.MAX_VALUE)).isBetween(10_000L, 10_250L);
        pace.throttle(Limit.ofRows(100));
        assertThat(rowsReadIn(Duration.ofSeconds(10), Long.MAX_VALUE)).isBetween(1_000L, 1_025L);
    }

    @Test
    void withoutALimitTheRowsAreReadAtOnce() {
        pace.throttle(Limit.ofRows(1));
        pace.begin().done(1_000_000, 0, READERS);
        assertThat(pace.mayRead()).isFalse();

        pace.throttle(Limit.NONE);

        assertThat(rowsReadIn(Duration.ofMillis(1), 1_000_000)).isEqualTo(1_000_000);
    }

    @Test
    void aPauseStopsReadsAndKeepsTheLimit() {
        pace.throttle(Limit.ofRows(1_000));
        long version = pace.version();
        pace.pause();

        assertThat(pace.version()).isNotEqualTo(version);
        assertThat(rowsReadIn(Duration.ofSeconds(10), Long.MAX_VALUE)).isZero();
        pace.resume();
        assertThat(pace.limit().rows()).hasValue(1_000);
        assertThat(rowsReadIn(Duration.ofSeconds(1), Long.MAX_VALUE)).isBetween(1_000L, 1_250L);
    }

    @Test
    void refusesARateBelowOneRow() {
        assertThatThrownBy(() -> pace.throttle(Limit.ofRows(0)))
                .isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void nothingIsReadWhileAConditionSuspendsIt() {
        AtomicBoolean suspended = new AtomicBoolean(true);
        pace.suspendWhile(suspended::get);

        assertThat(pace.mayRead()).isFalse();
        assertThat(pace.isPaused()).isFalse();
        suspended.set(false);
        assertThat(pace.mayRead()).isTrue();
    }
}
