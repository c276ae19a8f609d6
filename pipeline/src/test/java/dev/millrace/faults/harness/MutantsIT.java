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
        FaultPlan plan = FaultPlan.killAt(PausePoint.SLOT_CONFIRMED, SEED);

        assertThat(violations(Mutant.ACKNOWLEDGED_BEFORE_THE_BROKER_HAS_IT, plan))
                .contains(Kind.ACKNOWLEDGED_TOO_EARLY);
    }

    private static List<Kind> violations(Mutant mutant, FaultPlan plan) throws Exception {
        return FaultRun.of(plan, mutant.classPath()).violations().stream()
                .map(Violation::kind)
                .distinct()
                .toList();
    }
}
