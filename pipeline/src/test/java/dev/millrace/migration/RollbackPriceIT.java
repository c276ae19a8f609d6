package dev.millrace.migration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.millrace.rollback.RollbackPrice;
import dev.millrace.spec.switchover.Switchover;
import dev.millrace.spec.switchover.Switchover.Route;
import dev.millrace.switchover.Operation.Kind;
import dev.millrace.switchover.Operation.State;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Objects;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;

/// Reads what a rollback would cost, between real servers.
class RollbackPriceIT {

    private static RollbackPrice price(BankScene bank) {
        return Objects.requireNonNull(bank.scene.running().status().rollback());
    }

    private static void awaitRowsApplied(BankScene bank, long rows) {
        Awaitility.await()
                .atMost(Duration.ofMinutes(1))
                .untilAsserted(() -> assertThat(price(bank).rowsApplied()).isEqualTo(rows));
    }

    @Test
    void countsWhatWasWrittenOnTheTargetAlsoAfterARestart() throws Exception {
        try (BankScene bank = BankScene.switched()) {
            awaitRowsApplied(bank, 0);
            Awaitility.await()
                    .atMost(Duration.ofMinutes(1))
                    .until(() -> price(bank).seconds() != null);
            bank.scene.target.execute("INSERT INTO account VALUES (3000, 1), (3001, 1), (3002, 1)");
            awaitRowsApplied(bank, 3);
            assertThat(price(bank).comparesAllRows()).isFalse();
            Instant end = Objects.requireNonNull(price(bank).windowEndsAt());

            bank.scene.stop();
            bank.scene.start();
            bank.scene.awaitPhase("REVERSIBLE");

            awaitRowsApplied(bank, 3);
            assertThat(price(bank).windowEndsAt()).isEqualTo(end);
            assertThat(price(bank).comparesAllRows()).isTrue();
            bank.scene.target.execute("DELETE FROM account WHERE id = 3001");
            awaitRowsApplied(bank, 4);
        }
    }

    /// What is journaled at the switchover is shown, whatever the file says later.
    @Test
    void theEndOfTheWindowIsInTheJournal() throws Exception {
        try (BankScene bank = BankScene.switched()) {
            RollbackPrice price = price(bank);
            Instant done = Objects.requireNonNull(price.switchedAt());

            assertThat(price.windowEndsAt())
                    .isCloseTo(
                            done.plus(Switchover.DEFAULT.reverseWindow()),
                            within(1, ChronoUnit.SECONDS));
            assertThat(
                            bank.scene.target.query(
                                    "SELECT detail ->> 'state' FROM millrace.journal WHERE detail ? 'reverseWindowEndsAt'"))
                    .containsExactly(List.of("done"));
        }
    }

    /// Millrace never closes the way back by itself.
    @Test
    void afterTheEndOfTheWindowARollbackStillWorks() throws Exception {
        try (BankScene bank = BankScene.switched()) {
            bank.scene.target.execute(
                    "UPDATE millrace.operation SET reverse_window_ends_at = now() - interval '1 s'");
            bank.scene.stop();
            bank.scene.start();
            bank.scene.awaitPhase("REVERSIBLE");

            assertThat(bank.scene.running().status().warnings())
                    .singleElement()
                    .asString()
                    .startsWith("the reverse window ended at ");
            bank.scene.target.execute("INSERT INTO account VALUES (3000, 1)");
            awaitRowsApplied(bank, 1);
            bank.awaitOpenGates(Kind.ROLLBACK);
            assertThat(bank.move(Kind.ROLLBACK).state()).isEqualTo(State.DONE);
        }
    }

    @Test
    void beforeASwitchoverThereIsNoPrice() throws Exception {
        try (BankScene bank =
                BankScene.routedBy(
                        _ -> new Route.Sql(Switchover.Side.SOURCE, "SELECT 1", "SELECT 1"),
                        _ -> {})) {
            assertThat(bank.scene.running().status().rollback()).isNull();
        }
    }
}
