package dev.millrace.migration;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.switchover.Operation.Kind;
import dev.millrace.switchover.SwitchStep;
import java.sql.Connection;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Kills the service or the target while the traffic of a bank is moved. The seed is printed;
/// `-Dseed=` repeats a run.
@Tag("faults")
class SwitchoverProcessIT {

    private static final int KILLS = 8;
    private static final Logger LOG = LoggerFactory.getLogger(SwitchoverProcessIT.class);

    /// Nobody helps: the next process finds the way in journal and lease.
    @Test
    void aKilledServiceEndsOnOneSideByItself() throws Exception {
        long seed = Long.getLong("seed", System.nanoTime());
        LOG.info("seed {}", seed);
        Random random = new Random(seed);
        int moves = 0;
        try (BankProcess bank = new BankProcess()) {
            String side = "source";
            for (int kill = 1; kill <= KILLS; kill++) {
                Kind kind = side.equals("source") ? Kind.SWITCHOVER : Kind.ROLLBACK;
                List<SwitchStep> steps = SwitchStep.of(kind);
                SwitchStep step = steps.get(random.nextInt(steps.size()));
                String reached = bank.awaitStep(bank.beginMove(kind), step);
                bank.service().kill();
                bank.startService();
                String end = bank.awaitSide();
                LOG.info("kill {} of a {} in {} (chosen: {}): {}", kill, kind, reached, step, end);
                if (!end.equals(side)) {
                    moves++;
                }
                side = end;
                bank.assertWritesOn(side);
            }
            bank.assertNothingLost(moves);
        }
    }

    @Test
    void theSourceIsWritableAgainAlthoughTheServiceStaysAway() throws Exception {
        try (BankProcess bank = new BankProcess()) {
            try (Connection _ = bank.fenceBehindAnOlderTransaction()) {
                bank.service().kill();
            }
            bank.traffic.awaitProgress("source");

            bank.startService();
            assertThat(bank.awaitSide()).isEqualTo("source");
            bank.assertWritesOn("source");
            bank.assertNothingLost(0);
        }
    }

    @Test
    void theSourceIsWritableAgainWhenTheTargetDiesWhileItIsFenced() throws Exception {
        try (BankProcess bank = new BankProcess()) {
            try (Connection _ = bank.fenceBehindAnOlderTransaction()) {
                bank.targetServer.crash();
                bank.traffic.awaitProgress("source");
            }
            bank.targetServer.restart();

            assertThat(bank.awaitSide()).isEqualTo("source");
            bank.assertWritesOn("source");
            // The operation has ended, and the next one succeeds.
            String next = bank.beginMove(Kind.SWITCHOVER);
            bank.awaitStep(next, SwitchStep.RELEASE);
            assertThat(bank.awaitSide()).isEqualTo("target");
            bank.assertWritesOn("target");
            bank.assertNothingLost(1);
        }
    }
}
