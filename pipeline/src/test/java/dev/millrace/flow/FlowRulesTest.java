package dev.millrace.flow;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.control.flow.FlowStore.Pause;
import dev.millrace.control.flow.FlowStore.Setting;
import dev.millrace.flow.FlowChange.Action;
import dev.millrace.flow.FlowChange.Part;
import dev.millrace.spec.MigrationSpec.Backfill;
import dev.millrace.throttle.Throttle.Limit;
import java.time.Instant;
import java.util.EnumSet;
import java.util.List;
import java.util.OptionalLong;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class FlowRulesTest {

    private static final Set<Part> ALL = EnumSet.allOf(Part.class);
    private static final Pause FIRST = new Pause("first", "ann", Instant.EPOCH);
    private static final Pause SECOND = new Pause("second", "bob", Instant.EPOCH);

    private final FlowRules windows = new FlowRules(Backfill.WINDOWS);
    private final FlowRules engine = new FlowRules(Backfill.ENGINE);

    private Setting after(Action... actions) {
        Setting setting = Setting.NONE;
        for (Action action : actions) {
            setting = windows.next(action, setting, FIRST);
        }
        return setting;
    }

    @Test
    void eachPartIsPausedAndResumedByItself() {
        Setting both = after(new Action.Pause(Part.BACKFILL), new Action.Pause(Part.APPLY));
        assertThat(both.backfill()).contains(FIRST);
        assertThat(both.apply()).contains(FIRST);
        assertThat(both).isEqualTo(after(new Action.Pause(ALL)));

        Setting backfill = windows.next(new Action.Resume(Part.APPLY), both, SECOND);
        assertThat(backfill.backfill()).contains(FIRST);
        assertThat(backfill.apply()).isEmpty();
        assertThat(windows.next(new Action.Resume(Part.BACKFILL), backfill, SECOND))
                .isEqualTo(Setting.NONE);
    }

    @Test
    void aLimitIsKeptOverPauses() {
        Setting limited =
                after(
                        new Action.Throttle(OptionalLong.of(7)),
                        new Action.Pause(ALL),
                        new Action.Resume(ALL));

        assertThat(limited.backfillLimit().rows()).hasValue(7);
        assertThat(
                        windows.next(new Action.Throttle(OptionalLong.empty()), limited, SECOND)
                                .backfillLimit())
                .isEqualTo(Limit.NONE);
    }

    /// Who paused the backfill before still has paused it.
    @Test
    void aKillPausesBothAndOnlyResumeAllEndsIt() {
        Setting killed =
                windows.next(new Action.Kill(), after(new Action.Pause(Part.BACKFILL)), SECOND);

        assertThat(killed.killed()).isTrue();
        assertThat(killed.backfill()).contains(FIRST);
        assertThat(killed.apply()).contains(SECOND);
        assertThat(windows.refusal(new Action.Resume(Part.BACKFILL), killed, "IN_SYNC").orElse(""))
                .contains("resume all");
        assertThat(windows.refusal(new Action.Resume(ALL), killed, "IN_SYNC")).isEmpty();
        assertThat(windows.next(new Action.Resume(ALL), killed, SECOND)).isEqualTo(Setting.NONE);
    }

    @ParameterizedTest
    @CsvSource({
        "SWITCHING_OVER, while the traffic is moved",
        "UNRESOLVED, which side the application uses",
        "REVERSIBLE, only the stream back to the source is active"
    })
    void applyStopsInNoPhaseInWhichTheTrafficMovesOrHasMoved(String phase, String why) {
        for (Action action : List.of(new Action.Pause(Part.APPLY), new Action.Kill())) {
            assertThat(windows.refusal(action, Setting.NONE, phase).orElse("")).contains(why);
        }
        assertThat(windows.refusal(new Action.Pause(Part.BACKFILL), Setting.NONE, phase)).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(strings = {"BACKFILLING", "CATCHING_UP", "IN_SYNC", "FAILED"})
    void everythingIsPossibleInTheOtherPhases(String phase) {
        for (Action action :
                List.of(
                        new Action.Pause(ALL),
                        new Action.Kill(),
                        new Action.Resume(ALL),
                        new Action.Throttle(OptionalLong.of(1)))) {
            assertThat(windows.refusal(action, Setting.NONE, phase)).isEmpty();
        }
    }

    @Test
    void theEngineTakesNoSettingOfTheBackfillButApplyIsPaused() {
        assertThat(engine.refusal(new Action.Pause(ALL), Setting.NONE, "BACKFILLING")).isPresent();
        assertThat(
                        engine.refusal(
                                new Action.Throttle(OptionalLong.of(1)),
                                Setting.NONE,
                                "BACKFILLING"))
                .isPresent();
        assertThat(engine.refusal(new Action.Pause(Part.APPLY), Setting.NONE, "BACKFILLING"))
                .isEmpty();
        Setting killed = engine.next(new Action.Kill(), Setting.NONE, FIRST);
        assertThat(killed.backfill()).isEmpty();
        assertThat(killed.killed()).isTrue();
        assertThat(engine.possible(after(new Action.Pause(ALL))).backfill()).isEmpty();
    }
}
