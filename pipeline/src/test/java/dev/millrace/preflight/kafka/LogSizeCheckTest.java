package dev.millrace.preflight.kafka;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.preflight.plan.CheckName;
import dev.millrace.preflight.plan.Finding;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;

class LogSizeCheckTest {

    @Test
    void warnsWhenTheLogDoesNotFitUnderDataDir() {
        Path dataDir = Path.of("/data");
        long gigabyte = 1L << 30;

        Finding fits = only(LogSizeCheck.judge(gigabyte, dataDir, OptionalLong.of(gigabyte)));
        assertThat(fits.status()).isEqualTo(Finding.Status.OK);
        assertThat(fits.check()).isEqualTo(CheckName.KAFKA_LOG_SIZE.id());
        assertThat(fits.object()).isEqualTo("data-dir /data");
        assertThat(fits.message())
                .isEqualTo(
                        "the backfill writes about 1.0 GiB to the log before compression, and 1.0 GiB"
                                + " are free");
        assertThat(fits.value()).isEqualTo("1.0 GiB free");
        assertThat(fits.limit()).isEqualTo("1.0 GiB");
        assertThat(
                        only(LogSizeCheck.judge(gigabyte, dataDir, OptionalLong.of(gigabyte - 1)))
                                .status())
                .isEqualTo(Finding.Status.WARNING);
        assertThat(only(LogSizeCheck.judge(gigabyte, dataDir, OptionalLong.empty())).status())
                .isEqualTo(Finding.Status.WARNING);
    }

    private static Finding only(List<Finding> findings) {
        assertThat(findings).hasSize(1);
        return findings.getFirst();
    }
}
