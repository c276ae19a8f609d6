package dev.millrace.capture.position;

import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.millrace.capture.position.SourcePosition.SourceLostException;
import dev.millrace.change.Lsn;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// The log has contained a position inside transaction 7 of generation 2, after ten of its events.
class SourceIdentityGuardTest {

    private final SourceIdentityGuard guard = new SourceIdentityGuard();

    SourceIdentityGuardTest() {
        guard.recordWritten(position(2, true, "0/2000", 10));
    }

    @ParameterizedTest
    @CsvSource({
        "2, true, 0/2000, 10",
        "2, true, 0/2000, 11",
        "2, true, 0/3000, 0",
        "3, false, 0/0, 0"
    })
    void acceptsSameOrLaterPosition(
            int generation, boolean streaming, String boundary, int events) {
        assertThatCode(() -> read(position(generation, streaming, boundary, events)))
                .doesNotThrowAnyException();
    }

    @ParameterizedTest
    @CsvSource({
        "2, true, 0/2000, 9",
        "2, true, 0/1000, 10",
        "2, false, 0/2000, 10",
        "1, true, 0/9000, 0"
    })
    void rejectsOlderPosition(int generation, boolean streaming, String boundary, int events) {
        assertThatThrownBy(() -> read(position(generation, streaming, boundary, events)))
                .isInstanceOf(SourceLostException.class)
                .hasMessageContaining("emptied or recreated");
    }

    @Test
    void rejectsEmptyTopic() {
        assertThatThrownBy(() -> guard.requireNotOlder(Optional.empty()))
                .isInstanceOf(SourceLostException.class)
                .hasMessageContaining("contains no position");
    }

    private void read(SourcePosition position) {
        guard.requireNotOlder(Optional.of(position));
    }

    private static SourcePosition position(
            int generation, boolean streaming, String boundary, int events) {
        return new SourcePosition(
                generation,
                streaming,
                Lsn.parse(boundary),
                events == 0 ? 0 : 7,
                events,
                0,
                0,
                Map.of(),
                "",
                SourcePosition.Logged.nothing(List.of()));
    }
}
