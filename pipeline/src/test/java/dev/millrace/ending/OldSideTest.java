package dev.millrace.ending;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.ending.OldSide.Facts;
import dev.millrace.switchover.Gate;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class OldSideTest {

    private static final Facts UNUSED =
            new Facts(Optional.empty(), true, true, List.of(), List.of());

    private static List<String> closed(Facts facts) {
        return OldSide.judge(facts).stream()
                .filter(gate -> !gate.ok())
                .peek(gate -> assertThat(gate.forceable()).isTrue())
                .map(Gate::name)
                .toList();
    }

    @Test
    void anUnusedSideOpensBothGates() {
        assertThat(closed(UNUSED)).isEmpty();
    }

    @Test
    void aWriteThatPassedTheFenceClosesItsGate() {
        Facts facts = new Facts(Optional.of("table a.b"), true, true, List.of(), List.of());

        assertThat(closed(facts)).containsExactly("source-writes");
    }

    @Test
    void unknownWritesCloseTheirGate() {
        Facts facts = new Facts(Optional.empty(), false, true, List.of(), List.of());

        assertThat(closed(facts)).containsExactly("source-writes");
    }

    @Test
    void sessionsThatCannotBeSeenCloseTheirGate() {
        Facts facts = new Facts(Optional.empty(), true, false, List.of(), List.of());

        assertThat(closed(facts)).containsExactly("source-unused");
    }

    @Test
    void eachSessionIsNamedOnce() {
        Facts facts =
                new Facts(Optional.empty(), true, true, List.of("s 1"), List.of("s 1", "s 2"));

        assertThat(closed(facts)).containsExactly("source-unused");
        assertThat(OldSide.judge(facts).getLast().value()).isEqualTo("s 1, s 2");
    }
}
