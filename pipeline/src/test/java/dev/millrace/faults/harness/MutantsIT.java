package dev.millrace.faults.harness;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.faults.harness.Violation.Kind;
import dev.millrace.lifecycle.PausePoint;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/// A harness that does not find known faults proves nothing: it must find each changed build.
@Tag("faults")
class MutantsIT {

    private static final long SEED = 5;

    @Test
    void findsChangesThatAreConfirmedBeforeTheBrokerHasThem() throws Exception {
        assertThat(
                        violations(
                                Mutant.ACKNOWLEDGED_BEFORE_THE_BROKER_HAS_IT,
                                PausePoint.SLOT_CONFIRMED,
                                false))
                .contains(Kind.ACKNOWLEDGED_TOO_EARLY);
    }

    @Test
    void findsAGroupThatIsCommittedBeforeTheOutput() throws Exception {
        assertThat(violations(Mutant.GROUP_BEFORE_THE_OUTPUT, PausePoint.AFTER_GROUP_COMMIT, true))
                .contains(Kind.LOST);
    }

    @Test
    void findsAnOffsetThatIsCommittedBeforeTheRows() throws Exception {
        assertThat(
                        violations(
                                Mutant.OFFSET_BEFORE_THE_ROWS,
                                PausePoint.TARGET_PARTLY_WRITTEN,
                                true))
                .contains(Kind.LOST);
    }

    private static List<Kind> violations(Mutant mutant, PausePoint point, boolean inSync)
            throws Exception {
        FaultPlan plan = FaultPlan.killAt(point, inSync, SEED);
        return FaultRun.of(plan, mutant.classPath()).violations().stream()
                .map(Violation::kind)
                .distinct()
                .toList();
    }
}
