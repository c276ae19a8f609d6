package dev.millrace.replication;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.change.Token;
import dev.millrace.change.WatermarkNumber;
import dev.millrace.control.AppliedOffsets;
import dev.millrace.control.StoredOffset;
import dev.millrace.replication.LiveReplicationProgress.Remaining;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/// What must advance while a watermark is waited for. A wait in which it does not ends.
class RemainingTest {

    private static final WatermarkNumber WANTED = number(50);

    private static WatermarkNumber number(long number) {
        return new WatermarkNumber(1, number);
    }

    /// @param passed the last watermark that the partition has passed
    private static Remaining partition(long nextOffset, long stored, long passed) {
        return Remaining.of(
                0,
                new AppliedOffsets(
                        List.of(
                                new StoredOffset(
                                        0,
                                        "topic",
                                        nextOffset,
                                        new Token(1, nextOffset, 0),
                                        number(stored),
                                        nextOffset)),
                        Map.of(0, number(passed)),
                        0),
                WANTED);
    }

    @Test
    void aPartitionBeforeTheWatermarkAdvancesWithItsOffset() {
        assertThat(partition(10, 40, 40)).isNotEqualTo(partition(11, 40, 41));
        assertThat(partition(10, 40, 40)).isEqualTo(partition(10, 40, 40));
        assertThat(partition(10, 40, 40).stalled(10))
                .isEqualTo("nothing was captured or applied for 10 minutes");
    }

    /// Its offset moves with every later watermark, which brings nothing nearer.
    @Test
    void aPartitionThatHoldsAKeyAdvancesWhenTheKeyIsReleased() {
        assertThat(partition(10, 40, 50)).isEqualTo(partition(99, 40, 90));
        assertThat(partition(10, 40, 50)).isNotEqualTo(partition(99, 45, 90));
        assertThat(partition(10, 40, 50).stalled(10))
                .contains("held for 10", "millrace rejected list");
    }

    @Test
    void aPartitionWithTheWatermarkHasNothingToDo() {
        assertThat(partition(10, 50, 50)).isEqualTo(partition(11, 60, 60));
    }
}
