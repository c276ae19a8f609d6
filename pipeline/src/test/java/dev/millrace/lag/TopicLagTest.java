package dev.millrace.lag;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.lag.TopicLag.Partition;
import java.util.List;
import org.junit.jupiter.api.Test;

class TopicLagTest {

    @Test
    void addsTheRecordsAndTakesTheGreatestAge() {
        TopicLag lag =
                TopicLag.of(
                        "changes",
                        "g",
                        List.of(
                                new Partition(0, 9L, 5L, 4L, 1.5),
                                new Partition(1, 9L, 9L, 0L, 0.0)));

        assertThat(lag.records()).isEqualTo(4);
        assertThat(lag.seconds()).isEqualTo(1.5);
    }

    @Test
    void isUnknownIfOnePartitionIs() {
        TopicLag lag =
                TopicLag.of(
                        "changes",
                        "g",
                        List.of(
                                new Partition(0, 9L, null, null, null),
                                new Partition(1, 9L, 9L, 0L, 0.0)));

        assertThat(lag.records()).isNull();
        assertThat(lag.seconds()).isNull();
        assertThat(TopicLag.of("changes", "g", List.of()).records()).isNull();
    }
}
