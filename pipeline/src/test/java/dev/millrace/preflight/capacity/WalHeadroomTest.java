package dev.millrace.preflight.capacity;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.preflight.plan.Finding;
import dev.millrace.preflight.plan.Finding.Status;
import java.time.Duration;
import java.util.List;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;

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
}
