package dev.millrace.preflight.capacity;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.preflight.plan.Finding;
import dev.millrace.preflight.plan.Finding.Status;
import java.time.Duration;
import java.util.List;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class WalHeadroomTest {

    private static final long GIB = 1L << 30;
    private static final long MIB = 1L << 20;

    private static Finding only(List<Finding> findings) {
        assertThat(findings).hasSize(1);
        return findings.getFirst();
    }

    @Test
    void anHourOfWalIsNeededForAShortBackfill() {
        assertThat(new WalHeadroom(0, Duration.ZERO).needed()).isEqualTo(GIB);
        assertThat(new WalHeadroom(1 * MIB, Duration.ZERO).needed()).isEqualTo(4 * GIB);
        assertThat(new WalHeadroom(1 * MIB, Duration.ofHours(10)).needed()).isEqualTo(36 * GIB);
    }

    @Test
    void aCapBelowTheNeedIsRaisedToIt() {
        WalHeadroom headroom = new WalHeadroom(2 * MIB, Duration.ofHours(2));

        Finding found = only(headroom.ofServer(OptionalLong.of(8 * GIB)));

        assertThat(found.status()).isEqualTo(Status.WARNING);
        assertThat(found.value()).isEqualTo("8192 MB");
        assertThat(found.limit()).isEqualTo("15360 MB");
        assertThat(found.message()).contains("2.0 MB of WAL per second", "120 min");
        assertThat(found.remedy()).contains("max_slot_wal_keep_size = '15360MB'");
        assertThat(only(headroom.ofServer(OptionalLong.of(15 * GIB))).status())
                .isEqualTo(Status.OK);
        assertThat(only(headroom.ofServer(OptionalLong.empty())).status()).isEqualTo(Status.OK);
    }

    @Test
    void aBudgetBelowTheNeedIsRaisedInTheFile() {
        Finding found = only(new WalHeadroom(0, Duration.ZERO).ofFile(OptionalLong.of(GIB - 1)));

        assertThat(found.status()).isEqualTo(Status.WARNING);
        assertThat(found.remedy()).isEqualTo("wal-budget: 1GB");
    }

    /// Unknown is never zero, of which any limit would be enough.
    @ParameterizedTest
    @CsvSource({"0, 1", "1, 0", "1, 1"})
    void aLimitIsUnknownToBeEnoughWhileTheRateIsUnknown(int budgets, int caps) {
        Finding found = only(judged(null, budgets, caps));

        assertThat(found.status()).isEqualTo(Status.WARNING);
        assertThat(found.object()).isEqualTo("pg_stat_wal");
        assertThat(found.message()).contains("is unknown");
        assertThat(judged("0", budgets, caps))
                .extracting(Finding::status)
                .containsExactly(Status.OK, Status.OK);
    }

    @Test
    void withoutALimitTheRateIsNotNeeded() {
        assertThat(judged(null, 0, 0))
                .extracting(Finding::status)
                .containsExactly(Status.OK, Status.OK);
    }

    /// @param budgets 1 for a budget of the file
    /// @param caps 1 for a limit of the server
    private static List<Finding> judged(@Nullable String rate, int budgets, int caps) {
        return WalHeadroom.judge(rate, large(budgets), large(caps), GIB);
    }

    private static OptionalLong large(int number) {
        return number == 0 ? OptionalLong.empty() : OptionalLong.of(1_000 * GIB);
    }
}
