package dev.millrace.capture.position;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.millrace.capture.Watermarks;
import dev.millrace.capture.position.PositionCodec.UnreadableChangeException;
import dev.millrace.change.Lsn;
import dev.millrace.change.TableId;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

/// Later versions must be able to read what is written to a log.
class PositionCodecTest {

    private static final SourcePosition POSITION =
            new SourcePosition(
                    3,
                    true,
                    Lsn.parse("0/2000"),
                    7,
                    2,
                    5,
                    1,
                    Map.of(new TableId("public", "item"), 9L),
                    "42",
                    new SourcePosition.Logged(
                            11, List.of(3L, 4L), List.of(5L, 6L), List.of(8L, 9L), Set.of(7L)));

    @Test
    void roundTripsPosition() {
        PositionCodec codec = new PositionCodec();

        assertThat(codec.decode(codec.encode(POSITION))).isEqualTo(POSITION);
    }

    @Test
    void readsRecordWithoutDeliveredAndChangesBegins() {
        String older =
                new String(new PositionCodec().encode(POSITION), StandardCharsets.UTF_8)
                        .replace(",\"changesBegins\":[3,4]", "")
                        .replace(",\"delivered\":[7]", "");

        SourcePosition.Logged logged =
                new PositionCodec().decode(older.getBytes(StandardCharsets.UTF_8)).logged();

        assertThat(older).doesNotContain("changesBegins", "delivered");
        assertThat(logged.changesBegins()).isEmpty();
        assertThat(logged.delivered()).isNull();
        assertThat(logged.changesEnds()).containsExactly(5L, 6L);
    }

    @Test
    void parsesWatermarksWithAndWithoutSnapshot() {
        Watermarks.Message message = Watermarks.parse(bytes("2:740:735:740:736,738"));
        Watermarks.Message older = Watermarks.parse(bytes("2:740"));

        assertThat(message.number()).isEqualTo(older.number());
        assertThat(message.source().orElseThrow().ids()).containsExactlyInAnyOrder(736L, 738L);
        assertThat(older.source()).isEmpty();
        for (String foreign : List.of("", "hello", "2", "2:x", "2:740:nonsense")) {
            assertThatThrownBy(() -> Watermarks.parse(bytes(foreign)))
                    .isInstanceOf(UnreadableChangeException.class)
                    .hasMessageContaining("was not written by Millrace");
        }
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }
}
