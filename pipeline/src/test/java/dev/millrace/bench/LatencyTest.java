package dev.millrace.bench;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

class LatencyTest {

    @Test
    void aPercentileIsTheNearestRank() {
        List<Long> millis = LongStream.rangeClosed(1, 200).map(i -> i * 1_000_000).boxed().toList();

        assertThat(Latency.percentile(millis, 0.5)).isEqualTo(100);
        assertThat(Latency.percentile(millis, 0.99)).isEqualTo(198);
        assertThat(Latency.percentile(millis, 1)).isEqualTo(200);
        assertThat(Latency.percentile(millis.subList(0, 1), 0.5)).isEqualTo(1);
    }
}
