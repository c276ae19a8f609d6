package dev.millrace.migration;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class PhaseRuleTest {

    private static final Phase SYNC = new Phase.InSync();
    private static final Phase BEHIND = new Phase.CatchingUp();

    private static PhaseRule.Facts facts(Optional<Integer> secondsBehind, boolean partsWell) {
        return new PhaseRule.Facts(
                true, secondsBehind.map(Duration::ofSeconds), partsWell, Optional.empty());
    }

    @Test
    void inSyncIsEnteredBelowOneAgeAndLeftAboveAnother() {
        assertThat(PhaseRule.next(BEHIND, facts(Optional.of(4), true))).isEqualTo(SYNC);
        assertThat(PhaseRule.next(BEHIND, facts(Optional.of(5), true))).isEqualTo(BEHIND);
        assertThat(PhaseRule.next(SYNC, facts(Optional.of(14), true))).isEqualTo(SYNC);
        assertThat(PhaseRule.next(SYNC, facts(Optional.of(15), true))).isEqualTo(BEHIND);
    }

    @Test
    void unknownIsBehind() {
        assertThat(PhaseRule.next(BEHIND, facts(Optional.empty(), true))).isEqualTo(BEHIND);
        assertThat(PhaseRule.next(SYNC, facts(Optional.empty(), true))).isEqualTo(BEHIND);
    }

    @Test
    void aPartThatIsNotWellKeepsOutOfSync() {
        assertThat(PhaseRule.next(BEHIND, facts(Optional.of(0), false))).isEqualTo(BEHIND);
        assertThat(PhaseRule.next(SYNC, facts(Optional.of(0), false))).isEqualTo(BEHIND);
    }

    @Test
    void whatWasInSyncIsTakenUpAsBehind() {
        assertThat(SYNC.takenUp()).isEqualTo(BEHIND);
        assertThat(SYNC.fail("why").takenUp()).isEqualTo(BEHIND);
        assertThat(new Phase.Backfilling().fail("why").takenUp())
                .isEqualTo(new Phase.Backfilling());
    }
}
